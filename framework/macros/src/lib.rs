//! The derives `Event` and `Request`. Use them through `garenne-contract`, which documents them.

mod attribute;

use proc_macro::TokenStream;
use quote::{quote, quote_spanned};
use syn::{DeriveInput, Type, parse_macro_input, parse_quote};

use crate::attribute::Attribute;

/// Makes a type an event: `#[event(name = "orders.order-placed", key = order_id)]`.
///
/// `key` is a field that implements `Display` and says what the event is about: events of one key that are published in
/// transactions reach the broker in the order of their commits. Without it that holds within a conversation.
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    Attribute::of(&input, "event", &["name", "key"])
        .map(|attribute| {
            let key = attribute.key.as_ref().map(|field| {
                quote! {
                    fn key(&self) -> ::core::option::Option<::std::string::String> {
                        ::core::option::Option::Some(::std::string::ToString::to_string(&self.#field))
                    }
                }
            });
            implement(&input, &attribute, &quote!(Event), &key.unwrap_or_default())
        })
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a type a request: `#[request(name = "inventory.check-stock", reply = StockLevel, error = UnknownArticle)]`.
///
/// `error` may be left out when the responder never refuses.
#[proc_macro_derive(Request, attributes(request))]
pub fn derive_request(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    Attribute::of(&input, "request", &["name", "reply", "error"])
        .and_then(|attribute| {
            let reply = attribute.reply()?;
            let no_error: Type = parse_quote!(::garenne_contract::NoError);
            let error = attribute.error.as_ref().unwrap_or(&no_error);
            Ok(implement(&input, &attribute, &quote!(Request), &quote!(type Reply = #reply; type Error = #error;)))
        })
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

fn implement(
    input: &DeriveInput,
    attribute: &Attribute,
    kind: &proc_macro2::TokenStream,
    items: &proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    let target = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let name = &attribute.name;
    // The span makes rustc point at the literal when the name breaks a rule.
    let checked = quote_spanned!(name.span()=> ::garenne_contract::MessageName::new(#name));
    quote! {
        const _: ::garenne_contract::MessageName = #checked;
        #[automatically_derived]
        impl #generics ::garenne_contract::#kind for #target #arguments #bounds {
            const NAME: ::garenne_contract::MessageName = #checked;
            #items
        }
    }
}

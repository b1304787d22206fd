//! Reads `#[event(…)]` and `#[request(…)]`.

use proc_macro2::Span;
use syn::{DeriveInput, Error, Ident, LitStr, Result, Type};

/// What stands between the parentheses.
pub(crate) struct Attribute {
    pub(crate) name: LitStr,
    reply: Option<Type>,
    pub(crate) error: Option<Type>,
    /// The field that names what the event is about.
    pub(crate) key: Option<Ident>,
    span: Span,
}

impl Attribute {
    /// Finds the attribute `word` on the type and reads the keys it may have.
    pub(crate) fn of(input: &DeriveInput, word: &str, keys: &[&str]) -> Result<Self> {
        let mut found = input.attrs.iter().filter(|attribute| attribute.path().is_ident(word));
        let Some(attribute) = found.next() else {
            return Err(Error::new_spanned(
                &input.ident,
                format!("`{}` has no name: add `#[{word}(name = \"owner.message\"{})]`", input.ident, rest(keys)),
            ));
        };
        if let Some(second) = found.next() {
            return Err(Error::new_spanned(second, format!("`#[{word}(…)]` stands twice; keep one")));
        }
        let (mut name, mut reply, mut error, mut field) = (None, None, None, None);
        attribute.parse_nested_meta(|meta| {
            let key = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            match key.as_str() {
                "name" => name = Some(meta.value()?.parse::<LitStr>()?),
                "reply" if keys.contains(&"reply") => reply = Some(meta.value()?.parse::<Type>()?),
                "error" if keys.contains(&"error") => error = Some(meta.value()?.parse::<Type>()?),
                "key" if keys.contains(&"key") => field = Some(meta.value()?.parse::<Ident>()?),
                _ => return Err(meta.error(format!("unknown key; `#[{word}(…)]` takes {}", keys.join(", ")))),
            }
            Ok(())
        })?;
        let name = name.ok_or_else(|| {
            Error::new_spanned(
                attribute,
                format!("the name is missing: `#[{word}(name = \"owner.message\"{})]`", rest(keys)),
            )
        })?;
        let span = name.span();
        Ok(Self { name, reply, error, key: field, span })
    }

    /// The reply's type, which a request must name.
    pub(crate) fn reply(&self) -> Result<&Type> {
        self.reply.as_ref().ok_or_else(|| {
            Error::new(self.span, "a request names what it is answered with: add `reply = SomeType` (or `reply = ()`)")
        })
    }
}

fn rest(keys: &[&str]) -> &'static str {
    if keys.contains(&"reply") { ", reply = SomeType" } else { "" }
}

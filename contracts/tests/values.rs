//! Values check themselves when they are read.

use contracts::storefront::CheckoutSubmitted;
use contracts::values::{CardToken, EmailAddress, Money, OrderLines, Quantity, Sku};
use serde_json::{Value, json};

fn checkout() -> Value {
    json!({
        "order_id": "01926f3e-7c3a-7b60-8f00-3c6a3f6a5b11",
        "customer": {"name": "Ada Lovelace", "email": "ada@example.org"},
        "lines": [{"sku": "MUG-BLUE", "quantity": 2}],
        "card": "tok_ok",
        "a_field_of_tomorrow": true
    })
}

fn refusal(pointer: &str, value: Value) -> String {
    let mut body = checkout();
    *body.pointer_mut(pointer).expect("the field exists") = value;
    serde_json::from_value::<CheckoutSubmitted>(body).expect_err("must be refused").to_string()
}

#[test]
fn unknown_fields_are_ignored_and_a_message_survives_the_wire() {
    let message: CheckoutSubmitted = serde_json::from_value(checkout()).expect("valid");
    let again = serde_json::from_str(&serde_json::to_string(&message).expect("encodes")).expect("decodes");
    assert_eq!(message, again);
}

#[test]
fn a_quantity_is_a_whole_number_from_1_to_1000() {
    for bad in [
        json!(0),
        json!(-1),
        json!(1001),
        json!(i64::MAX),
        json!(4_294_967_297_u64),
        json!(u64::MAX),
        json!(1.5),
        json!("2"),
    ] {
        refusal("/lines/0/quantity", bad);
    }
    assert_eq!(
        refusal("/lines/0/quantity", json!(-3)),
        "\"-3\" is not a valid quantity: a whole number from 1 to 1000"
    );
    assert_eq!(Quantity::try_from(1000).map(Quantity::get), Ok(1000));
}

#[test]
fn an_order_has_1_to_50_lines_and_each_article_once() {
    refusal("/lines", json!([]));
    refusal("/lines", json!([{"sku": "A", "quantity": 1}, {"sku": "A", "quantity": 2}]));
    let line = |n: usize| json!({"sku": format!("A-{n}"), "quantity": 1});
    refusal("/lines", (0..51).map(line).collect());
    serde_json::from_value::<OrderLines>((0..50).map(line).collect()).expect("50 lines fit");
}

#[test]
fn texts_are_checked() {
    assert!(Sku::new("MUG-BLUE").is_ok());
    for bad in ["", "mug", "MUG BLUE", "MUG/..", &"A".repeat(41)] {
        assert!(Sku::new(bad).is_err(), "{bad}");
    }
    assert!(EmailAddress::new("ada.l+x@mail.example.org").is_ok());
    for bad in [
        "",
        "ada",
        "ada@",
        "@example.org",
        "ada@example",
        "a da@example.org",
        "a@b.c\r\nBcc: x@y.z",
        "a@b..c",
        "a@@b.c",
    ] {
        assert!(EmailAddress::new(bad).is_err(), "{bad}");
    }
    assert!(CardToken::new("tok_ok").is_ok());
    for bad in ["", "tok_", "4111111111111111", "tok_OK"] {
        assert!(CardToken::new(bad).is_err(), "{bad}");
    }
    assert!(refusal("/customer/name", json!(" ")).contains("not a valid name"));
}

#[test]
fn money_is_counted_in_minor_units_and_never_wraps() {
    let price = Money::euro_cents(1999);
    assert_eq!(price.times(Quantity::try_from(3).unwrap()).unwrap().to_string(), "59.97 EUR");
    assert_eq!(Money::euro_cents(-5).to_string(), "-0.05 EUR");
    assert!(Money::euro_cents(i64::MAX).plus(Money::euro_cents(1)).is_err());
    assert!(Money::euro_cents(i64::MAX).times(Quantity::try_from(2).unwrap()).is_err());
    assert!(serde_json::from_value::<Money>(json!({"amount": 19.99, "currency": "EUR"})).is_err());
}

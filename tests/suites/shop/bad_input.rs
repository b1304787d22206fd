//! What nobody should send to `storefront.events`, and somebody will.

use contracts::values::OrderId;
use lapin::BasicProperties;
use serde_json::{Value, json};
use tests::books::{audit, column};
use tests::{Raw, Shop, checkout, eventually};

const EVENT: &str = "storefront.checkout-submitted";

/// A checkout that is good until `spoil` has changed it.
fn spoilt(spoil: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut body = checkout("MUG-BLUE", 1, "tok_ok");
    body["order_id"] = json!(OrderId::new());
    spoil(&mut body);
    body.to_string().into_bytes()
}

/// One bad body after the other; each has to be the only dead letter, with the reason and these words in its error.
async fn each_is_a_dead_letter(shop: &Shop, reason: &str, bad: Vec<(&str, Vec<u8>, &str)>) {
    let raw = Raw::connect(shop.vhost()).await;
    for (what, body, words) in bad {
        raw.publish("storefront.events", EVENT, &body).await;
        let dead = raw.take("orders.dlq").await;
        assert!(dead.data == body, "{what}: the dead letter has the bytes that were sent");
        assert_eq!(Raw::header(&dead, "garenne-reason").as_deref(), Some(reason), "{what}");
        assert_eq!(Raw::header(&dead, "garenne-attempt").as_deref(), Some("1"), "{what}");
        assert_eq!(Raw::header(&dead, "garenne-origin-exchange").as_deref(), Some("storefront.events"), "{what}");
        assert_eq!(Raw::header(&dead, "garenne-origin-routing-key").as_deref(), Some(EVENT), "{what}");
        let error = Raw::header(&dead, "garenne-error").unwrap_or_default();
        assert!(error.contains(words), "{what}: {words:?} is not in {error:?}");
        assert!(error.len() <= 1024, "{what}: an error of {} bytes", error.len());
    }
    the_next_good_order_goes_through(shop, &raw).await;
}

async fn the_next_good_order_goes_through(shop: &Shop, raw: &Raw) {
    let id = shop.buy("TEA-MINT", 1, "tok_ok").await;
    shop.reaches(&id, "dispatched").await;
    eventually("both mails", || async {
        let mails = shop.mails(&id);
        if mails.len() == 2 { Ok(()) } else { Err(format!("{mails:?}")) }
    })
    .await;
    assert_eq!(column(shop, "orders", "SELECT order_id FROM orders").await, [id], "nothing else became an order");
    assert_eq!(raw.ready("orders.dlq").await, 0, "nothing else is a dead letter");
    audit(shop, 1).await;
}

#[tokio::test]
async fn a_body_that_is_not_json_is_a_dead_letter_and_the_next_order_goes_through() {
    let shop = Shop::open().await;
    let bad = vec![
        ("nothing at all", Vec::new(), "it has no body"),
        ("text", b"Two mugs, please".to_vec(), "expected value"),
        ("half an object", b"{\"order_id\": \"".to_vec(), "EOF"),
        ("bytes that are no text", vec![0xff; 300], "expected value"),
        ("zero bytes", vec![0; 300], "expected value"),
        ("more after the object", [spoilt(|_| ()), b"{}".to_vec()].concat(), "trailing characters"),
        ("100 kB of brackets", vec![b'['; 100_000], "line 1"),
        ("a field with 100 kB of brackets", format!("{{\"lines\":{}", "[".repeat(100_000)).into_bytes(), "line 1"),
    ];
    each_is_a_dead_letter(&shop, "undecodable", bad).await;
}

#[tokio::test]
async fn json_that_is_no_checkout_is_a_dead_letter_that_names_the_field_and_the_next_order_goes_through() {
    let shop = Shop::open().await;
    let quantity = |quantity: Value| spoilt(move |body| body["lines"][0]["quantity"] = quantity);
    let without = |name: &str| spoilt(|body| drop(body.as_object_mut().expect("an object").remove(name)));
    let bad = vec![
        ("an empty object", b"{}".to_vec(), "missing field `order_id`"),
        ("a list", b"[]".to_vec(), "invalid length"),
        ("a number", b"7".to_vec(), "invalid type: integer `7`"),
        ("no lines", without("lines"), "missing field `lines`"),
        ("no card", without("card"), "missing field `card`"),
        ("an id that is none", spoilt(|body| body["order_id"] = json!("seven")), "UUID"),
        ("a name that is a number", spoilt(|body| body["customer"]["name"] = json!(7)), "integer `7`"),
        ("lines that are text", spoilt(|body| body["lines"] = json!("a mug")), "string \"a mug\""),
        ("empty lines", spoilt(|body| body["lines"] = json!([])), "1 to 50 lines"),
        ("a negative quantity", quantity(json!(-1)), "a whole number from 1 to 1000"),
        ("no quantity", quantity(json!(0)), "a whole number from 1 to 1000"),
        ("one too many", quantity(json!(1001)), "a whole number from 1 to 1000"),
        ("more than 32 bits", quantity(json!(4_294_967_297_i64)), "a whole number from 1 to 1000"),
        ("more than 64 bits", quantity(json!(u64::MAX)), "18446744073709551615"),
        ("more than any integer", quantity(json!(1e300)), "floating point"),
        ("a card's number", spoilt(|body| body["card"] = json!("4111 1111 1111 1111")), "card token"),
    ];
    each_is_a_dead_letter(&shop, "undecodable", bad).await;
}

#[tokio::test]
async fn a_body_of_20_mib_is_refused_or_a_dead_letter_and_the_next_order_goes_through() {
    let shop = Shop::open().await;
    let huge = spoilt(|body| body["note"] = json!("x".repeat(20 * 1024 * 1024)));
    if shop.vhost().broker().major_version() >= 4 {
        // From 4.0 on the broker itself takes no more than 16 MiB, and says so to whoever sends it.
        let raw = Raw::connect(shop.vhost()).await;
        let refused = raw.refused("storefront.events", EVENT, &huge).await;
        assert!(refused.contains("PRECONDITION_FAILED") && refused.contains("16777216"), "{refused}");
        return the_next_good_order_goes_through(&shop, &Raw::connect(shop.vhost()).await).await;
    }
    let words = format!("the body has {} bytes; at most 16777216 are handled", huge.len());
    each_is_a_dead_letter(&shop, "too-large", vec![("20 MiB", huge, &words)]).await;
}

#[tokio::test]
async fn a_type_that_nobody_handles_is_a_dead_letter_that_names_it_and_the_next_order_goes_through() {
    let shop = Shop::open().await;
    let raw = Raw::connect(shop.vhost()).await;
    let properties = BasicProperties::default().with_type("storefront.checkout-imagined".into());
    raw.publish_with("storefront.events", EVENT, spoilt(|_| ()), properties).await;
    let dead = raw.take("orders.dlq").await;
    assert_eq!(Raw::header(&dead, "garenne-reason").as_deref(), Some("unknown-type"));
    let error = Raw::header(&dead, "garenne-error").unwrap_or_default();
    assert!(error.contains("\"storefront.checkout-imagined\"") && error.contains(EVENT), "{error}");
    the_next_good_order_goes_through(&shop, &raw).await;
}

#[tokio::test]
async fn headers_that_only_we_may_write_count_for_nothing_when_somebody_else_writes_them() {
    let shop = Shop::open().await;
    let raw = Raw::connect(shop.vhost()).await;
    let mut headers = lapin::types::FieldTable::default();
    headers.insert("garenne-attempt".into(), lapin::types::AMQPValue::LongLongInt(99));
    headers.insert("garenne-origin-routing-key".into(), lapin::types::AMQPValue::LongString("made.up".into()));
    let body = spoilt(|body| body["card"] = json!("tok_flaky"));
    let id = serde_json::from_slice::<Value>(&body).expect("JSON")["order_id"].as_str().expect("an id").to_owned();
    raw.publish_with("storefront.events", EVENT, body, BasicProperties::default().with_headers(headers)).await;
    shop.reaches(&id, "dispatched").await;
    assert_eq!(raw.ready("orders.dlq").await, 0);
}

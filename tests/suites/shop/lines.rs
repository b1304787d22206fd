//! What services log.

use serde_json::Value;
use tests::{CONSUMERS, Shop};

#[tokio::test]
async fn what_a_handler_logs_says_which_delivery_it_was_about_in_either_form() {
    let mut shop = Shop::empty().await;
    for service in CONSUMERS.iter().chain(&["storefront"]).filter(|service| **service != "inventory") {
        shop.start(service);
    }
    shop.start_with("inventory", &[("LOG_FORMAT", "json")]);
    shop.ready().await;
    let id = shop.buy("MUG-BLUE", 1, "tok_ok").await;
    shop.reaches(&id, "dispatched").await;

    let text = line(&mut shop, "orders", "order placed", &id);
    let field = |name: &str| {
        let value = text.split_once(&format!(" {name}=")).map(|(_, rest)| rest.split(' ').next().unwrap_or_default());
        value.unwrap_or_else(|| panic!("no {name} in {text}")).trim_matches('"').to_owned()
    };
    assert_eq!([field("queue"), field("attempt")], ["orders.storefront.checkout-submitted", "1"]);
    assert_eq!((field("message_id").len(), field("trace_id").len()), (36, 32), "{text}");

    let object: Value = serde_json::from_str(&line(&mut shop, "inventory", "stock reserved", &id)).expect("JSON");
    let delivery = &object["delivery"];
    assert_eq!((&delivery["queue"], &delivery["attempt"]), (&"inventory.orders.order-placed".into(), &1.into()));
    assert_eq!(delivery["correlation_id"], field("correlation_id"), "one conversation: {text} {object}");
    assert_eq!(delivery["trace_id"], field("trace_id"), "one trace: {text} {object}");
    assert_ne!(delivery["message_id"], field("message_id"), "two messages: {text} {object}");

    let started = line(&mut shop, "orders", "started", "instance");
    assert!(!started.contains("message_id"), "{started}");
}

/// The first line with these words.
fn line(shop: &mut Shop, service: &str, what: &str, about: &str) -> String {
    let log = shop.replicas(service).next().expect("a replica").log();
    let mut lines = log.lines().filter(|line| line.contains(what) && line.contains(about));
    lines.next().unwrap_or_else(|| panic!("no line {what:?} about {about:?} in:\n{log}")).to_owned()
}

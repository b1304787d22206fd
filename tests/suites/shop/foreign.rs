//! What a client that is not ours cannot make a service do.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use tests::http::get;
use tests::{Raw, Shop};

#[tokio::test]
async fn a_question_cannot_make_a_service_write_where_its_asker_may_not() {
    let shop = Shop::open().await;
    let raw = Raw::connect(shop.vhost()).await;
    raw.queue("spy", "inventory.events", "#").await;
    let key = "inventory.check-stock";
    for (exchange, reply_to, words) in [
        (None, "orders.storefront.checkout-submitted", "no queue of the broker's making"),
        (Some("inventory.events"), "inventory.stock-reserved", "no exchange for replies"),
        (Some("orders.events"), "orders.order-cancelled", "no exchange for replies"),
    ] {
        let mut headers = FieldTable::default();
        if let Some(exchange) = exchange {
            headers.insert("garenne-reply-exchange".into(), AMQPValue::LongString(exchange.into()));
        }
        let properties = BasicProperties::default().with_reply_to(reply_to.into()).with_headers(headers);
        raw.publish_with("inventory.requests", key, r#"{"sku":"MUG-BLUE"}"#, properties).await;
        let dead = raw.take("inventory.dlq").await;
        assert_eq!(Raw::header(&dead, "garenne-reason").as_deref(), Some("permanent"));
        assert!(Raw::header(&dead, "garenne-error").unwrap().contains(words), "{dead:?}");
    }
    let mug = get(&shop.url("/api/stock/MUG-BLUE")).await.unwrap();
    assert_eq!(mug.status, 200, "the next question is answered: {}", mug.text);
    for _ in 0..3 {
        assert_eq!(raw.take("spy").await.routing_key.as_str(), "inventory.delivery-dead-lettered");
    }
    assert_eq!((raw.ready("spy").await, raw.ready("orders.dlq").await), (0, 0));
}

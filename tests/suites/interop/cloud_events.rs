//! CloudEvents, with the Python package of their makers.

use garenne::{CloudEvents, Event, Service};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tests::books::audit;
use tests::{ForeignClient, Raw, Shop, Vhost, checkout, courier, eventually};

use super::exchange::has_mailed;

const PEER: ForeignClient = ForeignClient::new("cloudevents");

/// Something to say.
#[derive(Debug, Event, Serialize, Deserialize)]
#[event(name = "desk.ticket-filed")]
struct TicketFiled {
    number: u32,
}

#[tokio::test]
async fn orders_in_binary_and_in_structured_mode_are_dispatched_and_mailed() {
    let shop = Shop::open().await;
    let url = courier(shop.vhost());
    for mode in ["binary", "structured"] {
        let id = PEER.run("send.py", &[&url, mode]).await;
        shop.reaches(&id, "dispatched").await;
        has_mailed(&shop, &id).await;
    }
    // One event that arrives twice, with nothing but its source and id to tell it by, is one order. Its routing key, that of the
    // default exchange, does not say what it is.
    let raw = Raw::connect(shop.vhost()).await;
    let mut order = checkout("TEA-MINT", 1, "tok_ok");
    order["order_id"] = json!("0199a000-0000-7000-8000-000000000001");
    let headers = [
        ("cloudEvents:specversion", "1.0"),
        ("cloudEvents:id", "7"),
        ("cloudEvents:source", "https://example.org/kiosk"),
        ("cloudEvents:type", "storefront.checkout-submitted"),
    ];
    let mut table = FieldTable::default();
    for (name, value) in headers {
        table.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    for _ in 0..2 {
        let properties = BasicProperties::default().with_headers(table.clone());
        raw.publish_with("", "orders.storefront.checkout-submitted", order.to_string(), properties).await;
    }
    shop.reaches("0199a000-0000-7000-8000-000000000001", "dispatched").await;
    has_mailed(&shop, "0199a000-0000-7000-8000-000000000001").await;
    audit(&shop, 3).await;
    let inbox = tests::books::column(&shop, "orders", "SELECT message_id FROM garenne_inbox").await;
    assert!(inbox.contains(&"https://example.org/kiosk 7".to_owned()), "{inbox:?}");
}

#[tokio::test]
async fn a_malformed_event_is_a_dead_letter_as_it_came_with_what_is_wrong_with_it() {
    let shop = Shop::open().await;
    let raw = Raw::connect(shop.vhost()).await;
    let no_source = r#"{"specversion":"1.0","id":"1","type":"storefront.checkout-submitted","data":{}}"#;
    for (content_type, body, reason, words) in [
        ("application/cloudevents+json", no_source, "undecodable", "missing field `source`"),
        ("application/cloudevents+json", "{", "undecodable", "the CloudEvent cannot be read"),
        ("application/cloudevents-batch+json", "[]", "malformed", "send each event by itself"),
    ] {
        let properties = BasicProperties::default().with_content_type(content_type.into());
        raw.publish_with("storefront.events", "storefront.checkout-submitted", body, properties).await;
        let dead = raw.take("orders.dlq").await;
        assert_eq!(dead.data, body.as_bytes());
        assert_eq!(dead.properties.content_type().as_ref().map(|kind| kind.as_str()), Some(content_type));
        assert_eq!(Raw::header(&dead, "garenne-reason").as_deref(), Some(reason));
        assert!(Raw::header(&dead, "garenne-error").unwrap().contains(words), "{dead:?}");
    }
}

#[tokio::test]
async fn what_a_service_says_as_cloud_events_is_read_by_others_in_both_modes() {
    for form in [CloudEvents::Binary, CloudEvents::Structured] {
        let vhost = Vhost::new();
        let settings = vhost.settings();
        let service = Service::new("desk").publishes::<TicketFiled>().publishes_as(form);
        let running = service.start((), settings).await.expect("the service starts");
        tokio::time::timeout(tests::PATIENCE, running.ready()).await.expect("the service becomes ready");
        let url = vhost.url();
        let hearing = PEER.start("receive.py", &[&url, "desk.events", "desk.ticket-filed"]);
        let raw = Raw::connect(&vhost).await;
        // It subscribes after it has bound its queue.
        eventually("its subscription", || async {
            let queue = vhost.broker().management().get(&format!("queues/{}/courier.desk.ticket-filed", vhost.name()));
            let queue = queue.map_err(|error| error.to_string())?;
            if queue["consumers"] == 1 { Ok(()) } else { Err(queue.to_string()) }
        })
        .await;
        raw.queue("spy", "desk.events", "#").await;
        running.client().publish(&TicketFiled { number: 7 }).await.expect("published");
        let seen = raw.take("spy").await;
        let id = seen.properties.message_id().as_ref().expect("an id").to_string();
        let line = eventually("what it printed", || async {
            let log = hearing.log();
            log.lines().find(|line| line.starts_with('[')).map(str::to_owned).ok_or(log)
        })
        .await;
        let event: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(event[0], json!(id));
        assert_eq!((&event[1], &event[2]), (&json!("urn:garenne:service:desk"), &json!("desk.ticket-filed")));
        assert_eq!(event[4], json!({"number": 7}));
        assert_eq!(event[3].as_u64(), *seen.properties.timestamp(), "{event}");
        if form == CloudEvents::Binary {
            assert_eq!(seen.data, br#"{"number":7}"#);
        }
        running.stop().await;
    }
}

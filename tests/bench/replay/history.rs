//! A history of the shop: the log and what stands in it.

use std::time::{Duration, Instant, SystemTime};

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use serde_json::{Value, json};
use tests::Vhost;
use uuid::Uuid;

/// What is said about an order that goes well.
const STORY: [(&str, &str); 6] = [
    ("storefront", "storefront.checkout-submitted"),
    ("orders", "orders.order-placed"),
    ("inventory", "inventory.stock-reserved"),
    ("payments", "payments.payment-captured"),
    ("orders", "orders.order-confirmed"),
    ("shipping", "shipping.shipment-dispatched"),
];
/// Events of one order.
pub(crate) const STEPS: u64 = STORY.len() as u64;
/// Orders come ten a second.
const ORDERS_PER_MINUTE: u64 = 600;
/// Who publishes at the same time.
const WRITERS: u64 = 2;
/// Messages without their confirm.
const WINDOW: usize = 1024;

const ARTICLES: [&str; 8] =
    ["ATLAS-1911", "BAG-LINEN", "BOWL-OAK", "CANDLE-BEE", "LAMP-PAPER", "MUG-BLUE", "NOTEBOOK-A5", "TEA-MINT"];

/// Makes the log, as `analytics` declares it, and the exchanges of all that it is kept of: their services do not run.
pub(crate) fn log(vhost: &Vhost) {
    let output = std::process::Command::new(tests::program("analytics")).arg("definitions").output().expect("it runs");
    let definitions: Value = serde_json::from_slice(&output.stdout).expect("definitions");
    let of_the_log = |kind: &str, key: &str| -> Vec<Value> {
        let all = definitions[kind].as_array().cloned().unwrap_or_default();
        all.into_iter().filter(|object| object[key] == "shop.log").collect()
    };
    let (queues, bindings) = (of_the_log("queues", "name"), of_the_log("bindings", "destination"));
    let management = vhost.broker().management();
    let exchange = json!({"type": "topic", "durable": true, "auto_delete": false, "internal": false, "arguments": {}});
    for speaker in bindings.iter().filter_map(|binding| binding["source"].as_str()) {
        management.put(&format!("exchanges/{}/{speaker}", vhost.name()), &exchange).expect("the exchange is made");
    }
    let objects = json!({"queues": queues, "bindings": bindings});
    management.post(&format!("definitions/{}", vhost.name()), &objects).expect("the log is made");
}

/// Publishes so many events; returns how long that took, with the last confirm.
pub(crate) async fn write(vhost: &Vhost, events: u64) -> Duration {
    let (began, orders) = (Instant::now(), events / STEPS);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    let opened = u64::try_from(now).unwrap_or_default() - orders * 60_000 / ORDERS_PER_MINUTE;
    let writers = (0..WRITERS).map(|writer| {
        let url = vhost.url();
        tokio::spawn(async move {
            let numbers = (0..orders).filter(|number| number % WRITERS == writer);
            publish(&url, numbers, opened).await.expect("the broker takes the history");
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("a writer does not panic");
    }
    began.elapsed()
}

async fn publish(url: &str, orders: impl Iterator<Item = u64>, opened: u64) -> lapin::Result<()> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut confirms = Vec::new();
    for number in orders {
        let (id, conversation) = (Uuid::now_v7().to_string(), Uuid::now_v7().to_string());
        for (service, name) in STORY {
            let sent_at = opened + number * 60_000 / ORDERS_PER_MINUTE;
            let properties = properties(service, name, &conversation, sent_at);
            let body = body(name, &id, number).to_string();
            let exchange = format!("{service}.events");
            let publish = channel.basic_publish(
                exchange.into(),
                name.into(),
                BasicPublishOptions::default(),
                body.as_bytes(),
                properties,
            );
            confirms.push(publish.await?);
        }
        if confirms.len() >= WINDOW {
            for confirm in confirms.drain(..WINDOW / 2) {
                assert!(confirm.await?.is_ack(), "the log takes it");
            }
        }
    }
    for confirm in confirms {
        assert!(confirm.await?.is_ack(), "the log takes it");
    }
    connection.close(200, "written".into()).await
}

/// What the library gives every event.
fn properties(service: &str, name: &str, conversation: &str, sent_at: u64) -> BasicProperties {
    let text = |text: &str| AMQPValue::LongString(text.into());
    let mut headers = FieldTable::default();
    let milliseconds = i64::try_from(sent_at).unwrap_or(i64::MAX);
    headers.insert("garenne-sent-at".into(), AMQPValue::LongLongInt(milliseconds));
    headers.insert("traceparent".into(), text("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    headers.insert("causation-id".into(), text(&Uuid::now_v7().to_string()));
    BasicProperties::default()
        .with_delivery_mode(2)
        .with_message_id(Uuid::now_v7().to_string().into())
        .with_type(name.into())
        .with_app_id(service.into())
        .with_correlation_id(conversation.into())
        .with_content_type("application/json".into())
        .with_timestamp(sent_at / 1000)
        .with_headers(headers)
}

fn body(name: &str, id: &str, number: u64) -> Value {
    let article = |number: u64| ARTICLES[usize::try_from(number % 8).unwrap_or(0)];
    let lines =
        json!([{"sku": article(number), "quantity": number % 3 + 1}, {"sku": article(number + 3), "quantity": 1}]);
    let (customer, total) = (
        json!({"name": "Ada Lovelace", "email": "ada@example.org"}),
        json!({"amount": 1000 + number % 100, "currency": "EUR"}),
    );
    match name {
        "storefront.checkout-submitted" => {
            json!({"order_id": id, "customer": customer, "lines": lines, "card": "tok_ok"})
        }
        "orders.order-placed" => json!({"order_id": id, "lines": lines, "card": "tok_ok"}),
        "inventory.stock-reserved" => json!({"order_id": id, "total": total, "card": "tok_ok"}),
        "payments.payment-captured" => json!({"order_id": id, "amount": total, "attempt": 1}),
        "orders.order-confirmed" => json!({"order_id": id, "customer": customer, "lines": lines, "total": total}),
        _ => json!({"order_id": id, "customer": customer, "tracking_code": "GRN-B302-099A-8057"}),
    }
}

//! What stands in the shop's log.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use serde_json::Value;
use tests::Vhost;

/// The log.
const QUEUE: &str = "shop.log";
/// The routing key of what is written behind everything else, so that the end is known: the default exchange's for the log.
const MARK: &str = QUEUE;
/// Entries that are under way.
const PREFETCH: u16 = 1000;

/// Where each event of an order stands in the log for the first time, by order and event.
pub(crate) type Places = BTreeMap<(String, String), i64>;

/// Reads the log from its beginning to its end.
pub(crate) async fn places(vhost: &Vhost) -> Result<Places, lapin::Error> {
    let connection = Connection::connect(&vhost.url(), ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let mark = channel.basic_publish("".into(), MARK.into(), options, b"the end", properties);
    mark.await?.await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let mut arguments = FieldTable::default();
    arguments.insert("x-stream-offset".into(), AMQPValue::LongString("first".into()));
    let consume = channel.basic_consume(QUEUE.into(), "audit".into(), BasicConsumeOptions::default(), arguments);
    let mut entries = consume.await?;
    let mut places = Places::new();
    while let Some(entry) = entries.next().await {
        let entry = entry?;
        if entry.routing_key.as_str() == MARK {
            break;
        }
        note(&entry, &mut places);
        channel.basic_ack(entry.delivery_tag, BasicAckOptions::default()).await?;
    }
    let _ = connection.close(200, "read".into()).await;
    Ok(places)
}

fn note(entry: &Delivery, places: &mut Places) {
    let body: Value = serde_json::from_slice(&entry.data).unwrap_or_default();
    let headers = entry.properties.headers().as_ref().map(FieldTable::inner);
    let Some(AMQPValue::LongLongInt(offset)) = headers.and_then(|headers| headers.get("x-stream-offset")) else {
        return;
    };
    if let Some(order) = body["order_id"].as_str() {
        places.entry((order.to_owned(), entry.routing_key.to_string())).or_insert(*offset);
    }
}

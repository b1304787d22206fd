//! The ceiling: the AMQP client alone, which reads the log and does nothing with it.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Connection, ConnectionProperties};
use tests::Vhost;

/// What `analytics` has under way, and what it acknowledges at once.
const PREFETCH: u16 = 4000;
const PAGE: u64 = 1000;

/// Reads so many entries; returns how long that took and where the last one stands.
pub(crate) async fn read(vhost: &Vhost, events: u64) -> (Duration, u64) {
    let connection = Connection::connect(&vhost.url(), ConnectionProperties::default()).await.expect("a connection");
    let channel = connection.create_channel().await.expect("a channel");
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await.expect("a prefetch");
    let mut arguments = FieldTable::default();
    arguments.insert("x-stream-offset".into(), AMQPValue::LongString("first".into()));
    let began = Instant::now();
    let consume = channel.basic_consume("shop.log".into(), "bare".into(), BasicConsumeOptions::default(), arguments);
    let mut consumer = consume.await.expect("a subscription");
    let mut last = 0;
    for number in 1..=events {
        let delivery = consumer.next().await.expect("an entry").expect("an entry");
        if number % PAGE == 0 {
            channel.basic_ack(delivery.delivery_tag, BasicAckOptions { multiple: true }).await.expect("acknowledged");
        }
        if number == events {
            let headers = delivery.properties.headers().as_ref().expect("headers");
            match headers.inner().get("x-stream-offset") {
                Some(AMQPValue::LongLongInt(offset)) => last = offset.unsigned_abs(),
                other => panic!("no offset: {other:?}"),
            }
        }
    }
    let took = began.elapsed();
    let _ = connection.close(200, "read".into()).await;
    (took, last)
}

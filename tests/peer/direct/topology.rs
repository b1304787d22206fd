//! The same exchanges and queues as the library declares.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

pub(super) const REQUESTS: &str = "warehouse.requests";
pub(super) const CHECK_STOCK: &str = "warehouse.check-stock";
/// The name of replies to it.
pub(super) const REPLY: &str = "warehouse.check-stock.reply";
pub(super) const WORK: &str = "warehouse.warehouse.check-stock";
pub(super) const REPLIES: &str = "desk.replies";

/// A quorum queue for the requests.
pub(super) async fn for_requests(channel: &Channel) -> Result<(), lapin::Error> {
    exchange(channel, REQUESTS, ExchangeKind::Topic).await?;
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(20));
    arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
    channel.queue_declare(WORK.into(), QueueDeclareOptions::durable(), arguments).await?;
    bind(channel, WORK, REQUESTS, CHECK_STOCK).await
}

/// A queue of this process's own for the replies, and its name.
pub(super) async fn for_replies(channel: &Channel) -> Result<String, lapin::Error> {
    exchange(channel, REPLIES, ExchangeKind::Direct).await?;
    let name = format!("desk.reply.{}", std::process::id());
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("classic".into()));
    channel.queue_declare(name.as_str().into(), QueueDeclareOptions::exclusive(), arguments).await?;
    bind(channel, &name, REPLIES, &name).await?;
    Ok(name)
}

async fn exchange(channel: &Channel, name: &str, kind: ExchangeKind) -> Result<(), lapin::Error> {
    let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
    channel.exchange_declare(name.into(), kind, options, FieldTable::default()).await
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<(), lapin::Error> {
    let (queue, exchange, key) = (queue.into(), exchange.into(), key.into());
    channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), FieldTable::default()).await
}

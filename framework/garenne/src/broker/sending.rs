//! One message on its way to the client.

use lapin::options::BasicPublishOptions;
use lapin::{Channel, PublisherConfirm};

use super::direct::DIRECT_REPLY_TO;
use super::lane::Message;
use super::properties::Wire;

/// Publishes what was [checked](Wire::check), once it is polled, and ends when the message is written.
///
/// It takes the message and not its parts, which the client keeps once more: it would be larger by half, and is moved.
pub(super) async fn publish(channel: &Channel, message: Message) -> lapin::Result<PublisherConfirm> {
    let outgoing = &message.0;
    let Wire { exchange, routing_key, properties } = Wire::of(outgoing);
    // Replies through direct reply-to come back as unroutable on 3.10 although they are delivered. Through any other
    // exchange it is a key like all others, which a sender may have chosen.
    let direct = outgoing.exchange.is_empty() && outgoing.routing_key.starts_with(DIRECT_REPLY_TO);
    let options = BasicPublishOptions { mandatory: !direct, ..Default::default() };
    channel.basic_publish(exchange, routing_key, options, &outgoing.body, properties).await
}

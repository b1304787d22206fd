//! One message on its way to the client.

use lapin::options::BasicPublishOptions;
use lapin::{Channel, PublisherConfirm};

use super::direct::DIRECT_REPLY_TO;
use super::lane::Message;
use super::properties::{TooLongForTheWire, Wire};

/// Publishes, once it is polled, and ends when the message is written.
pub(super) fn publish(
    channel: &Channel,
    message: Message,
) -> Result<impl Future<Output = lapin::Result<PublisherConfirm>> + use<'_>, TooLongForTheWire> {
    let Wire { exchange, routing_key, properties } = Wire::of(&message.0)?;
    Ok(async move {
        let outgoing = &message.0;
        // Replies through direct reply-to come back as unroutable on 3.10 although they are delivered. Through any other
        // exchange it is a key like all others, which a sender may have chosen.
        let direct = outgoing.exchange.is_empty() && outgoing.routing_key.starts_with(DIRECT_REPLY_TO);
        let options = BasicPublishOptions { mandatory: !direct, ..Default::default() };
        channel.basic_publish(exchange, routing_key, options, &outgoing.body, properties).await
    })
}

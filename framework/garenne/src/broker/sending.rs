//! One message on its way to the broker.

use lapin::options::BasicPublishOptions;
use lapin::{Channel, Confirmation, PublisherConfirm};

use super::Outgoing;
use super::direct::DIRECT_REPLY_TO;
use super::lane::Message;
use super::properties::Wire;

/// What became of it.
pub(super) struct Sent {
    pub(super) number: u64,
    pub(super) outcome: Result<Confirmation, Failed>,
}

pub(super) enum Failed {
    Client(lapin::Error),
    Encoding(String),
}

/// Publishes, and waits for the confirm.
pub(super) async fn send(channel: Channel, number: u64, message: Message) -> Sent {
    Sent { number, outcome: confirmed(&channel, &message.0).await }
}

async fn confirmed(channel: &Channel, outgoing: &Outgoing) -> Result<Confirmation, Failed> {
    let publish = match Wire::of(outgoing) {
        Ok(wire) => publish(channel, outgoing, wire),
        Err(error) => return Err(Failed::Encoding(error.to_string())),
    };
    publish.await.map_err(Failed::Client)?.await.map_err(Failed::Client)
}

fn publish<'a>(
    channel: &'a Channel,
    outgoing: &'a Outgoing,
    Wire { exchange, routing_key, properties }: Wire,
) -> impl Future<Output = lapin::Result<PublisherConfirm>> + 'a {
    // Replies through direct reply-to come back as unroutable on 3.10 although they are delivered. Through any other exchange
    // it is a key like all others, which a sender may have chosen.
    let direct = outgoing.exchange.is_empty() && outgoing.routing_key.starts_with(DIRECT_REPLY_TO);
    let options = BasicPublishOptions { mandatory: !direct, ..Default::default() };
    channel.basic_publish(exchange, routing_key, options, &outgoing.body, properties)
}

//! One message on its way to the broker.

use lapin::options::BasicPublishOptions;
use lapin::{Channel, Confirmation};

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
    let outcome = async {
        let Wire { exchange, routing_key, properties } =
            Wire::of(&message.0).map_err(|error| Failed::Encoding(error.to_string()))?;
        // Replies through direct reply-to come back as unroutable on 3.10 although they are delivered. Through any other exchange
        // it is a key like all others, which a sender may have chosen.
        let direct = message.0.exchange.is_empty() && message.0.routing_key.starts_with(DIRECT_REPLY_TO);
        let options = BasicPublishOptions { mandatory: !direct, ..Default::default() };
        let publish = channel.basic_publish(exchange, routing_key, options, &message.0.body, properties);
        publish.await.map_err(Failed::Client)?.await.map_err(Failed::Client)
    };
    Sent { number, outcome: outcome.await }
}

//! Queues, one constructor for each kind, each with the reason for its arguments.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Log, names};

/// A queue and its arguments. Every queue states its type: brokers differ in the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Queue {
    pub(crate) name: String,
    /// Belongs to one connection and goes with it. All others are durable.
    pub(crate) exclusive: bool,
    pub(crate) arguments: BTreeMap<&'static str, Argument>,
}

/// The value of a queue's argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Argument {
    Integer(i64),
    Text(String),
}

/// A request that was delivered again so often is given up by the library, which says why. The deliveries that are left until
/// the broker drops it are for the case that the process ends meanwhile.
pub(crate) const REQUEST_DELIVERY_LIMIT: i64 = 15;
/// Redeliveries after which the broker itself gives a message up: the backstop against a message that kills its consumer.
const DELIVERY_LIMIT: i64 = 20;
/// Dead letters kept per service. When it is full the broker refuses more, and consumers pause rather than lose.
const DEAD_LETTER_LIMIT: i64 = 1_000_000;
/// Looking at a dead letter counts as a delivery on brokers before 4.3, so the limit must be out of reach.
const UNREACHABLE_DELIVERY_LIMIT: i64 = 1_000_000;
/// What a live feed that nobody reads may hold. The oldest goes first, so that a slow observer slows nobody.
const LIVE_LIMIT: i64 = 10_000;

impl Queue {
    /// Holds messages until a handler is done with them.
    pub(crate) fn work(service: &str, name: String) -> Self {
        let arguments = [("x-delivery-limit", Argument::Integer(DELIVERY_LIMIT))];
        Self::quorum(name, arguments.into_iter().chain(dead_lettering(names::dead_letters(service))))
    }

    /// Holds requests until a handler is done with them, or until nobody waits for the reply any more: what expires is dropped.
    /// It has no dead-letter exchange, for there the expired ones would come together. What fails is copied there by the library.
    pub(crate) fn requests(name: String) -> Self {
        Self::quorum(
            name,
            [
                ("x-delivery-limit", Argument::Integer(DELIVERY_LIMIT)),
                ("x-overflow", Argument::Text("reject-publish".into())),
            ],
        )
    }

    /// Holds failed messages for one step of the ladder, then sends them back.
    pub(crate) fn retry_step(service: &str, delay: Duration) -> Self {
        let milliseconds = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        let arguments = [("x-message-ttl", Argument::Integer(milliseconds))];
        let name = names::retry_step(service, delay);
        Self::quorum(name, arguments.into_iter().chain(dead_lettering(names::redeliver(service))))
    }

    /// Holds what was given up, until an operator decides.
    pub(crate) fn dead_letters(service: &str) -> Self {
        Self::quorum(
            names::dead_letter_queue(service),
            [
                ("x-delivery-limit", Argument::Integer(UNREACHABLE_DELIVERY_LIMIT)),
                ("x-max-length", Argument::Integer(DEAD_LETTER_LIMIT)),
                ("x-overflow", Argument::Text("reject-publish".into())),
            ],
        )
    }

    /// Holds the replies to one instance's requests. Its name carries a boot id: a name that is still held
    /// by a dying connection cannot be declared again.
    pub(crate) fn replies(service: &str, boot: &str) -> Self {
        Self::exclusive(names::reply_queue(service, boot), [])
    }

    /// Holds one instance's live feed.
    pub(crate) fn live(service: &str, boot: &str) -> Self {
        Self::exclusive(
            names::live_queue(service, boot),
            [("x-max-length", Argument::Integer(LIVE_LIMIT)), ("x-overflow", Argument::Text("drop-head".into()))],
        )
    }

    /// Keeps what was said, bounded, for whoever reads it and however often.
    pub(crate) fn log(log: &Log) -> Self {
        let integer = |number: u64| Argument::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        let arguments = [
            ("x-queue-type", Argument::Text("stream".into())),
            ("x-max-length-bytes", integer(log.bytes)),
            ("x-max-age", Argument::Text(format!("{}D", log.days))),
            ("x-stream-max-segment-size-bytes", integer(log.segment_bytes())),
        ];
        Self { name: names::log(&log.name), exclusive: false, arguments: arguments.into() }
    }

    fn quorum(name: String, arguments: impl IntoIterator<Item = (&'static str, Argument)>) -> Self {
        let kind = [("x-queue-type", Argument::Text("quorum".into()))];
        Self { name, exclusive: false, arguments: kind.into_iter().chain(arguments).collect() }
    }

    fn exclusive(name: String, arguments: impl IntoIterator<Item = (&'static str, Argument)>) -> Self {
        let kind = [("x-queue-type", Argument::Text("classic".into()))];
        Self { name, exclusive: true, arguments: kind.into_iter().chain(arguments).collect() }
    }
}

/// The broker moves messages with confirms of its own. It does so only together with `reject-publish`.
fn dead_lettering(exchange: String) -> [(&'static str, Argument); 3] {
    [
        ("x-dead-letter-exchange", Argument::Text(exchange)),
        ("x-dead-letter-strategy", Argument::Text("at-least-once".into())),
        ("x-overflow", Argument::Text("reject-publish".into())),
    ]
}

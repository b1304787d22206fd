//! The copies of a failed message: for the retry ladder and for the dead-letter exchange.

use std::borrow::Cow;
use std::time::Duration;

use super::{Failure, Message, cut};
use crate::broker::{DIRECT_REPLY_TO, HeaderValue, Headers, Inbound, Outgoing, Properties};
use crate::publisher::{header, now_in_milliseconds};
use crate::retry::Reason;
use crate::topology::names;

/// All headers stand in one frame, ours of 32 KiB at most, and the broker closes the connection over a larger one. A sender
/// whose frames are larger may have filled them.
const SENDERS_HEADERS_LIMIT: usize = 16 * 1024;

/// What the broker reads or writes. A client can send all of them, and some of them lose messages: `CC` would
/// deliver the copy elsewhere too, and with `x-death` 3.10 drops a copy that was here before.
pub(super) fn is_the_brokers(header: &str) -> bool {
    matches!(header, "CC" | "BCC" | "x-death" | "x-delivery-count" | "x-acquired-count")
        || header.starts_with("x-first-death-")
        || header.starts_with("x-last-death-")
}

/// What a copy says of itself. Whoever else sent it is not believed.
const OF_COPIES: [&str; 11] = [
    header::ATTEMPT,
    header::FIRST_FAILED_AT,
    header::ORIGIN_EXCHANGE,
    header::ORIGIN_KEY,
    header::ERROR,
    header::ERROR_CLASS,
    header::SERVICE,
    header::QUEUE,
    header::HANDLER,
    header::LEFT_OUT,
    header::REASON,
];

/// Who failed at what.
pub(super) struct Failed<'a> {
    pub(super) service: &'a str,
    pub(super) queue: &'a str,
    pub(super) handler: &'a str,
    pub(super) inbound: &'a Inbound,
    pub(super) message: &'a Message,
    pub(super) failure: &'a Failure,
}

impl Failed<'_> {
    /// The copy that comes back to the same queue after `delay`.
    pub(super) fn retry(&self, delay: Duration) -> Outgoing {
        let mut properties = self.properties();
        properties.set_integer(header::ATTEMPT, self.message.attempt().saturating_add(1));
        self.outgoing(names::retry(self.service), names::retry_key(delay, self.queue), properties)
    }

    /// The copy that stays in the dead-letter queue with the reason.
    pub(super) fn dead_letter(&self, reason: Reason) -> Outgoing {
        let mut properties = self.properties();
        properties.set_integer(header::ATTEMPT, self.message.attempt());
        properties.set_text(header::REASON, reason.as_str());
        self.outgoing(names::dead_letters(self.service), self.message.origin_key.clone(), properties)
    }

    fn outgoing(&self, exchange: String, routing_key: String, properties: Properties) -> Outgoing {
        Outgoing { exchange, routing_key, body: self.inbound.body.clone(), properties }
    }

    fn properties(&self) -> Properties {
        let mut properties = Properties::from(&self.inbound.properties);
        let again = names::is_redeliver(&self.inbound.exchange, self.service);
        let before = properties.text(header::LEFT_OUT).filter(|_| again).map(str::to_owned);
        properties.headers.retain(|name, _| !is_the_brokers(name) && !OF_COPIES.contains(&name.as_ref()));
        let left_out: Vec<String> = before.into_iter().chain(leave_out_the_largest(&mut properties.headers)).collect();
        if !left_out.is_empty() {
            properties.set_text(header::LEFT_OUT, cut(&left_out.join(", ")));
        }
        // A time to live was meant for the first delivery; on the ladder it would cut the delay short.
        properties.expiration = None;
        // Whoever publishes this very word asks for direct replies, and the broker refuses it to who has not subscribed to them. Of
        // AMQP 0-9-1's clients it never arrives, since the broker puts an address in its place; of AMQP 1.0's it does.
        properties.reply_to = properties.reply_to.filter(|address| address != DIRECT_REPLY_TO);
        let message = self.message;
        let first = message.first_failed_at.and_then(|at| u64::try_from(at).ok());
        properties.set_integer(header::FIRST_FAILED_AT, first.unwrap_or_else(now_in_milliseconds));
        properties.set_text(header::ORIGIN_EXCHANGE, message.origin_exchange.clone());
        properties.set_text(header::ORIGIN_KEY, message.origin_key.clone());
        properties.set_text(header::SERVICE, self.service);
        properties.set_text(header::QUEUE, self.queue);
        properties.set_text(header::HANDLER, self.handler);
        properties.set_text(header::ERROR_CLASS, self.failure.class());
        properties.set_text(header::ERROR, self.failure.to_string());
        properties
    }
}

/// Makes the sender's headers fit, and names those that had to go.
fn leave_out_the_largest(headers: &mut Headers) -> Vec<String> {
    let weight = |(name, value): (&Cow<'static, str>, &HeaderValue)| 1 + name.len() + value.weight();
    let mut total: usize = headers.iter().map(weight).sum();
    let mut left_out = Vec::new();
    if total > SENDERS_HEADERS_LIMIT {
        // Sorted once: there may be tens of thousands.
        let mut heaviest: Vec<(usize, Cow<'static, str>)> =
            headers.iter().map(|header| (weight(header), header.0.clone())).collect();
        heaviest.sort_unstable_by(|a, b| b.cmp(a));
        for (weight, name) in heaviest {
            if total <= SENDERS_HEADERS_LIMIT {
                break;
            }
            total -= weight;
            headers.remove(&name);
            left_out.push(name.into_owned());
        }
    }
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inbound() -> Inbound {
        let mut properties = Properties { expiration: Some("5".into()), ..Properties::default() };
        for name in [
            "x-death",
            "x-first-death-queue",
            "x-last-death-reason",
            "x-delivery-count",
            "x-acquired-count",
            "CC",
            "BCC",
        ] {
            properties.set_text(name, "forged");
        }
        properties.set_text("x-tenant", "kept");
        properties.set_integer(header::ATTEMPT, 6);
        Inbound::of("orders.events", "orders.order-placed", "{}", properties)
    }

    fn copies_of(inbound: &Inbound) -> [Outgoing; 2] {
        let failure = Failure::retry("é".repeat(1000));
        let message = Message::read(inbound, "inventory");
        let (service, queue, handler) = ("inventory", "inventory.q", "reserve");
        let failed = Failed { service, queue, handler, inbound, message: &message, failure: &failure };
        [failed.retry(Duration::from_secs(5)), failed.dead_letter(Reason::AttemptsUsedUp)]
    }

    fn copies() -> (Outgoing, Outgoing) {
        let [retry, dead] = copies_of(&inbound());
        (retry, dead)
    }

    #[test]
    fn a_copy_carries_nothing_that_the_broker_would_act_upon() {
        let (retry, dead) = copies();
        for copy in [&retry, &dead] {
            let kept: Vec<&str> =
                copy.properties.headers.keys().map(Cow::as_ref).filter(|name| !name.starts_with("garenne-")).collect();
            assert_eq!(kept, ["x-tenant"]);
            assert_eq!(copy.properties.expiration, None);
        }
    }

    #[test]
    fn a_copy_asks_for_no_direct_replies_and_keeps_every_address() {
        for (address, kept) in [
            (DIRECT_REPLY_TO, None),
            ("amq.rabbitmq.reply-to.g1h2", Some("amq.rabbitmq.reply-to.g1h2")),
            ("desk.reply.1", Some("desk.reply.1")),
        ] {
            let inbound = inbound();
            let properties = Properties { reply_to: Some(address.into()), ..Properties::from(&inbound.properties) };
            let inbound = Inbound { properties: properties.into(), ..inbound };
            for copy in copies_of(&inbound) {
                assert_eq!(copy.properties.reply_to.as_deref(), kept);
            }
        }
    }

    #[test]
    fn a_retry_goes_to_its_step_with_the_next_attempt_and_back_to_its_queue() {
        let (retry, _) = copies();
        assert_eq!((retry.exchange.as_str(), retry.routing_key.as_str()), ("inventory.retry", "5000.inventory.q"));
        // The attempt in the original was forged: it did not come through our retry exchange.
        assert_eq!(retry.properties.headers[header::ATTEMPT], HeaderValue::Integer(2));
    }

    #[test]
    fn a_dead_letter_says_who_failed_at_what_and_why() {
        let (_, dead) = copies();
        for (name, value) in [
            (header::REASON, "attempts-used-up"),
            (header::SERVICE, "inventory"),
            (header::QUEUE, "inventory.q"),
            (header::HANDLER, "reserve"),
            (header::ORIGIN_EXCHANGE, "orders.events"),
            (header::ORIGIN_KEY, "orders.order-placed"),
        ] {
            assert_eq!(dead.properties.text(name), Some(value));
        }
        assert_eq!(dead.properties.text(header::ERROR).unwrap().len(), 1024);
    }
}

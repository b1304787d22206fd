//! What a handler may know about its message beside the body.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use crate::broker::Inbound;
use crate::publisher::{Cause, header};
use crate::telemetry::Trace;
use crate::topology::names;

/// What AMQP allows for a property, in bytes.
const SHORT_STRING_LIMIT: usize = 255;

/// Where a message comes from and which attempt this is.
#[derive(Debug, Clone)]
pub struct Message {
    name: String,
    message_id: Option<String>,
    conversation: String,
    attempt: u32,
    sent_at: Option<SystemTime>,
    redelivered: bool,
    pub(crate) origin_exchange: String,
    pub(crate) origin_key: String,
    pub(crate) first_failed_at: Option<i64>,
    trace: Trace,
}

impl Message {
    /// Reads properties and headers. All of them may be absent: the routing key then names the message.
    ///
    /// Only what came back through the service's own retry exchange is believed about attempts: nobody else may
    /// publish there.
    pub(crate) fn read(inbound: &Inbound, service: &str) -> Self {
        let properties = &inbound.properties;
        let again = inbound.exchange == names::redeliver(service);
        // What comes from a header may be longer than a property that it shall go on in.
        let fits = |text: &&str| text.len() <= SHORT_STRING_LIMIT;
        let own = |name| if again { properties.text(name).filter(fits) } else { None };
        let origin_key = own(header::ORIGIN_KEY).unwrap_or(&inbound.routing_key).to_owned();
        let kind = properties.kind.as_deref().or_else(|| cloud_event(inbound, "type"));
        let attempt = if again { properties.integer(header::ATTEMPT) } else { None };
        let cloud_id = || cloud_event(inbound, "id").filter(fits).map(str::to_owned);
        let message_id = properties.message_id.clone().or_else(cloud_id);
        let conversation = properties.text(header::CONVERSATION_ID).filter(fits);
        let conversation = conversation.or(properties.correlation_id.as_deref());
        let conversation = conversation.map(str::to_owned).or_else(|| message_id.clone());
        let trace = properties.text(header::TRACEPARENT);
        let trace = trace.and_then(|parent| Trace::parse(parent, properties.text(header::TRACESTATE)));
        Self {
            name: kind.unwrap_or(&origin_key).to_owned(),
            message_id,
            conversation: conversation.unwrap_or_else(|| Uuid::now_v7().to_string()),
            attempt: attempt.and_then(|attempt| u32::try_from(attempt).ok()).unwrap_or(1).max(1),
            sent_at: sent_at(inbound),
            redelivered: inbound.redelivered,
            origin_exchange: own(header::ORIGIN_EXCHANGE).unwrap_or(&inbound.exchange).to_owned(),
            origin_key,
            first_failed_at: if again { properties.integer(header::FIRST_FAILED_AT) } else { None },
            trace: trace.map_or_else(Trace::start, |parent| parent.child()),
        }
    }

    /// What stands for the page of a log: it belongs to no conversation but begins one, and has no id and no time.
    pub(crate) fn of_page(log: &str, attempt: u32) -> Self {
        Self {
            name: log.to_owned(),
            message_id: None,
            conversation: Uuid::now_v7().to_string(),
            attempt,
            sent_at: None,
            redelivered: attempt > 1,
            origin_exchange: String::new(),
            origin_key: log.to_owned(),
            first_failed_at: None,
            trace: Trace::start(),
        }
    }

    /// The message's name, `orders.order-placed`; for a page of a log the log's, `shop.log`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The sender's id of the message. A foreign client may have sent none.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }

    /// Names the whole conversation that the message belongs to.
    #[must_use]
    pub fn correlation_id(&self) -> &str {
        &self.conversation
    }

    /// Which attempt this is; the first is 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// When the message was published, to the millisecond if the sender was a service of this library, otherwise to
    /// the second or not at all.
    #[must_use]
    pub fn sent_at(&self) -> Option<SystemTime> {
        self.sent_at
    }

    /// Whether the broker may have delivered this attempt before, to this replica or another one.
    #[must_use]
    pub fn redelivered(&self) -> bool {
        self.redelivered
    }

    /// What is published while this message is handled belongs to it.
    pub(crate) fn cause(&self) -> Cause {
        Cause {
            conversation: self.conversation.clone(),
            causation_id: self.message_id.clone(),
            trace: self.trace.clone(),
        }
    }

    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }
}

pub(crate) fn sent_at(inbound: &Inbound) -> Option<SystemTime> {
    let milliseconds = inbound.properties.integer(header::SENT_AT).and_then(|sent| u64::try_from(sent).ok());
    let seconds = || inbound.properties.timestamp.and_then(|seconds| seconds.checked_mul(1000));
    UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds.or_else(seconds)?))
}

/// An attribute of a CloudEvent in binary mode, with either of the two prefixes in use.
fn cloud_event<'a>(inbound: &'a Inbound, attribute: &str) -> Option<&'a str> {
    let read = |prefix: &str| inbound.properties.text(&format!("{prefix}{attribute}"));
    if inbound.properties.headers.is_empty() { None } else { read("cloudEvents_").or_else(|| read("cloudEvents:")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Properties;

    fn inbound(exchange: &str, routing_key: &str, properties: Properties) -> Inbound {
        let (exchange, routing_key) = (exchange.to_owned(), routing_key.to_owned());
        Inbound { exchange, routing_key, redelivered: false, body: Vec::new(), properties }
    }

    #[test]
    fn without_any_property_the_routing_key_names_the_message() {
        let message =
            Message::read(&inbound("orders.events", "orders.order-placed", Properties::default()), "inventory");
        assert_eq!(message.name(), "orders.order-placed");
        assert_eq!((message.attempt(), message.message_id(), message.sent_at()), (1, None, None));
        assert!(!message.correlation_id().is_empty());
    }

    #[test]
    fn the_type_property_goes_before_a_cloud_events_header_and_that_before_the_routing_key() {
        let mut properties = Properties::default();
        properties.set_text("cloudEvents:type", "a.cloud");
        properties.set_text("cloudEvents_id", "e-1");
        let message = Message::read(&inbound("x", "a.key", properties.clone()), "s");
        assert_eq!((message.name(), message.message_id()), ("a.cloud", Some("e-1")));
        properties.kind = Some("a.type".into());
        assert_eq!(Message::read(&inbound("x", "a.key", properties), "s").name(), "a.type");
    }

    #[test]
    fn an_id_that_is_too_long_to_go_on_is_no_id() {
        let mut properties = Properties { message_id: Some("m-1".into()), ..Properties::default() };
        properties.set_text(header::CONVERSATION_ID, "c".repeat(SHORT_STRING_LIMIT + 1));
        let message = Message::read(&inbound("x", "a.key", properties), "s");
        assert_eq!(message.correlation_id(), "m-1");
        let mut properties = Properties::default();
        properties.set_text("cloudEvents_id", "e".repeat(SHORT_STRING_LIMIT + 1));
        assert_eq!(Message::read(&inbound("x", "a.key", properties), "s").message_id(), None);
    }

    #[test]
    fn only_what_came_back_through_the_own_retry_exchange_is_believed() {
        let mut properties = Properties::default();
        properties.set_integer(header::ATTEMPT, 5);
        properties.set_text(header::ORIGIN_KEY, "orders.order-placed");
        let forged =
            Message::read(&inbound("orders.events", "orders.order-cancelled", properties.clone()), "inventory");
        assert_eq!((forged.attempt(), forged.name()), (1, "orders.order-cancelled"));
        let ours = Message::read(&inbound("inventory.redeliver", "1000.inventory.q", properties), "inventory");
        assert_eq!((ours.attempt(), ours.name()), (5, "orders.order-placed"));
    }
}

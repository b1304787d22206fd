//! What the spans of messages say, by OpenTelemetry's conventions for messaging and for RabbitMQ.
//!
//! <https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/>

use super::header;
use crate::broker::Outgoing;
use crate::telemetry::About;
use crate::topology::names;

/// What is done with a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    /// The word for it here.
    pub(crate) name: &'static str,
    /// The convention's word for it.
    pub(crate) kind: &'static str,
}

impl Operation {
    pub(crate) const SEND: Self = Self { name: "send", kind: "send" };
    /// A request is sent, and its reply awaited.
    pub(crate) const ASK: Self = Self { name: "ask", kind: "send" };
    pub(crate) const PROCESS: Self = Self { name: "process", kind: "process" };
}

/// Describes something that is done with messages.
pub(crate) fn about_messages(about: &mut About, operation: Operation) {
    about.text("messaging.system", "rabbitmq");
    about.text("messaging.operation.name", operation.name);
    about.text("messaging.operation.type", operation.kind);
}

/// Describes something that is done with a message on its way out.
pub(crate) fn about_outgoing(about: &mut About, operation: Operation, outgoing: &Outgoing) {
    let Outgoing { exchange, routing_key, body, properties } = outgoing;
    about_messages(about, operation);
    let destination = destination([exchange.as_str(), routing_key]);
    // Replies go to the address of one replica.
    if names::is_replies(exchange) || (exchange.is_empty() && routing_key.starts_with("amq.")) {
        let template = if exchange.is_empty() { "amq" } else { exchange.as_str() };
        about.name(format!("{} {template}", operation.name));
        about.text("messaging.destination.template", template);
        about.truth("messaging.destination.temporary", true);
    } else {
        about.name(format!("{} {destination}", operation.name));
    }
    about.text("messaging.destination.name", destination);
    about.text("messaging.rabbitmq.destination.routing_key", routing_key);
    if let Some(id) = &properties.message_id {
        about.text("messaging.message.id", id);
    }
    if let Some(conversation) = properties.text(header::CONVERSATION_ID).or(properties.correlation_id.as_deref()) {
        about.text("messaging.message.conversation_id", conversation);
    }
    about.number("messaging.message.body.size", body.len());
}

/// Those of exchange, routing key and queue that there are.
pub(crate) fn destination<const N: usize>(parts: [&str; N]) -> String {
    let mut named: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    named.dedup();
    named.join(":")
}

#[cfg(test)]
mod tests {
    use super::destination;

    #[test]
    fn a_destination_is_what_there_is_of_exchange_routing_key_and_queue() {
        assert_eq!(destination(["desk.events", "desk.filed"]), "desk.events:desk.filed");
        assert_eq!(destination(["", "desk.nest"]), "desk.nest");
        assert_eq!(destination(["desk.events", "desk.filed", "clerk.q"]), "desk.events:desk.filed:clerk.q");
        assert_eq!(destination(["", "clerk.q", "clerk.q"]), "clerk.q");
    }
}

//! Who is answered: where the caller waits, and how it is told.

use std::sync::Arc;

use super::{Problem, problem};
use crate::broker::{Inbound, Outgoing, PublishError};
use crate::consumer::{Classified as _, Failure, Message};
use crate::publisher::{Envelope, Publisher, Role, header};
use crate::telemetry::Trace;
use crate::topology::names;

/// The caller of one request.
pub(super) struct Caller {
    /// The request's name.
    pub(super) request: &'static str,
    pub(super) publisher: Publisher,
    pub(super) message: Arc<Message>,
    /// Nothing for a command.
    address: Option<ReplyAddress>,
    dialect: Option<&'static Dialect>,
}

/// How clients of another library are told, who wait in queues of the broker's making.
pub(crate) struct Dialect {
    /// The body of a value, whose JSON is given, and whether it is the last one.
    pub(crate) value: fn(&[u8], bool) -> Vec<u8>,
    /// The body that follows the last value.
    pub(crate) end: fn() -> Vec<u8>,
    pub(crate) problem: fn(&Problem) -> Vec<u8>,
}

/// Where the caller waits, as its request says.
struct ReplyAddress {
    request: Arc<Inbound>,
    /// Whether it waits by an exchange for replies, or in a queue that the broker has named.
    by_exchange: bool,
}

/// What is said to a caller.
pub(super) struct Reply {
    content: Content,
    number: Option<Number>,
}

enum Content {
    /// The JSON of a value. Empty at the end of several.
    Value(Vec<u8>),
    Problem(Box<Problem>),
    /// A body that is written already.
    Written(Vec<u8>),
}

/// Which of several replies it is.
pub(super) struct Number {
    pub(super) run: String,
    pub(super) number: u64,
    /// Says that there were so many.
    pub(super) last: bool,
}

impl Caller {
    /// # Errors
    ///
    /// When the address is no place for replies.
    pub(super) fn of(
        publisher: Publisher,
        inbound: &Arc<Inbound>,
        message: Arc<Message>,
        request: &'static str,
        dialect: Option<&'static Dialect>,
    ) -> Result<Self, Failure> {
        let address = match dialect {
            None => ReplyAddress::of(inbound, publisher.answers_foreign_clients())?,
            Some(_) => ReplyAddress::of_the_brokers_making(inbound)?,
        };
        Ok(Self { request, publisher, message, address, dialect })
    }

    /// Whether anybody waits. Nobody waits for a command.
    pub(super) fn waits(&self) -> bool {
        self.address.is_some()
    }

    /// Whether somebody has waited, and does not any more.
    pub(super) fn has_given_up(&self) -> bool {
        self.waits() && self.message.time_left().is_some_and(|left| left.is_zero())
    }

    /// Tells the caller, and returns once the broker has the reply: whether the caller was there.
    pub(super) async fn tell(&self, reply: Reply) -> Result<bool, Failure> {
        let span = self.publisher.begin(self.message.trace());
        let Some(outgoing) = self.seal(reply, span.trace()) else { return Ok(true) };
        let sent = self.publisher.send(span, outgoing).await;
        let settled = sent.map_err(|error| match error {
            // A caller makes its exchange before it asks. Each try would cost the lane its channel, and none would succeed.
            // The default exchange always exists: the lane has taken a neighbour's fault for this one's.
            PublishError::NoExchange { ref exchange, .. } if !exchange.is_empty() => Failure::dead_letter(error),
            error => error.classified(),
        })?;
        if !settled.routed {
            tracing::info!(request = self.request, "the caller had gone when its reply was ready");
        }
        Ok(settled.routed)
    }

    /// The reply as it stands on the wire, at this place in its trace. Nothing for a command.
    pub(super) fn seal(&self, reply: Reply, trace: &Trace) -> Option<Outgoing> {
        let address = self.address.as_ref()?;
        let (exchange, routing_key) = (address.exchange().to_owned(), address.key());
        let kind = format!("{}.reply", self.request);
        let cause = self.message.cause();
        let service = self.publisher.service();
        let Reply { content, number } = reply;
        let (content_type, body) = match self.dialect {
            None => content.written(),
            Some(dialect) => ("application/json", content.written_in(dialect, number.as_ref())),
        };
        let role = Role::Answers(address.request.properties.correlation_id());
        let envelope = Envelope { exchange, routing_key, kind: &kind, service, role, cause: &cause, trace };
        let mut outgoing = envelope.seal(body);
        let properties = &mut outgoing.properties;
        if properties.content_type.as_deref() != Some(content_type) {
            properties.content_type = Some(content_type.to_owned());
        }
        if let Some(Number { run, number, last }) = number {
            outgoing.properties.set_text(header::REPLY_RUN, run);
            let name = if last { header::REPLY_COUNT } else { header::REPLY_NUMBER };
            outgoing.properties.set_integer(name, number);
        }
        Some(outgoing)
    }
}

impl Reply {
    pub(super) fn value(body: Vec<u8>) -> Self {
        Self { content: Content::Value(body), number: None }
    }

    pub(super) fn problem(problem: Problem) -> Self {
        Self { content: Content::Problem(Box::new(problem)), number: None }
    }

    pub(super) fn written(body: Vec<u8>) -> Self {
        Self { content: Content::Written(body), number: None }
    }

    pub(super) fn numbered(self, number: Number) -> Self {
        Self { number: Some(number), ..self }
    }
}

impl Content {
    /// The media type and the body.
    fn written(self) -> (&'static str, Vec<u8>) {
        match self {
            Self::Value(body) | Self::Written(body) => ("application/json", body),
            Self::Problem(problem) => (problem::CONTENT_TYPE, serde_json::to_vec(&problem).unwrap_or_default()),
        }
    }

    fn written_in(self, dialect: &Dialect, number: Option<&Number>) -> Vec<u8> {
        match self {
            Self::Value(_) if number.is_some_and(|number| number.last) => (dialect.end)(),
            Self::Value(json) => (dialect.value)(&json, number.is_none()),
            Self::Problem(problem) => (dialect.problem)(&problem),
            Self::Written(body) => body,
        }
    }
}

impl ReplyAddress {
    /// Reads where the reply goes. `None` for a command.
    ///
    /// The address is the caller's word, and this service may publish where the caller may not. So a reply goes only to
    /// an exchange for replies, or, if the service is open to foreign clients, to a queue that the broker has named:
    /// never into an exchange for events or into somebody's work queue.
    fn of(inbound: &Arc<Inbound>, open: bool) -> Result<Option<Self>, Failure> {
        Self::checked(inbound, inbound.properties.text(header::REPLY_EXCHANGE).unwrap_or_default(), open)
    }

    /// The same for clients that know nothing of exchanges for replies.
    fn of_the_brokers_making(inbound: &Arc<Inbound>) -> Result<Option<Self>, Failure> {
        Self::checked(inbound, "", true)
    }

    fn checked(inbound: &Arc<Inbound>, exchange: &str, open: bool) -> Result<Option<Self>, Failure> {
        let Some(key) = inbound.properties.reply_to() else { return Ok(None) };
        let ours = names::is_replies(exchange);
        let foreign = exchange.is_empty() && open && key.starts_with("amq.");
        if ours || foreign {
            return Ok(Some(Self { request: Arc::clone(inbound), by_exchange: ours }));
        }
        let refused = if exchange.is_empty() && !open {
            format!("a reply to queue {key:?} needs a service that declares .answers_foreign_clients()")
        } else if exchange.is_empty() {
            format!("reply_to {key:?} is no queue of the broker's making; use direct reply-to or a server-named queue")
        } else {
            format!("{exchange:?} is no exchange for replies")
        };
        Err(Failure::dead_letter(refused))
    }

    fn exchange(&self) -> &str {
        let exchange = self.request.properties.text(header::REPLY_EXCHANGE);
        exchange.filter(|_| self.by_exchange).unwrap_or_default()
    }

    fn key(&self) -> &str {
        self.request.properties.reply_to().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Properties;

    fn address(exchange: &str, key: &str, open: bool) -> Result<Option<ReplyAddress>, Failure> {
        let mut properties = Properties { reply_to: Some(key.into()), ..Properties::default() };
        if !exchange.is_empty() {
            properties.set_text(header::REPLY_EXCHANGE, exchange);
        }
        ReplyAddress::of(&Arc::new(Inbound::of("clerk.requests", "clerk.double", "", properties)), open)
    }

    #[test]
    fn a_reply_never_goes_where_events_or_work_go() {
        assert!(matches!(address("desk.replies", "desk.reply.1", false), Ok(Some(_))));
        for exchange in ["clerk.events", "clerk.dlx", "clerk.retry", "a.b.replies", ".replies", "amq.topic"] {
            assert!(address(exchange, "clerk.ticket-closed", true).is_err(), "{exchange}");
        }
        assert!(address("", "clerk.desk.ticket-filed", true).is_err());
    }

    #[test]
    fn only_an_open_service_answers_a_client_that_knows_only_a_queue() {
        for key in ["amq.rabbitmq.reply-to.g1h2", "amq.gen-1234"] {
            assert!(matches!(address("", key, true), Ok(Some(_))));
            assert!(address("", key, false).is_err());
        }
    }
}

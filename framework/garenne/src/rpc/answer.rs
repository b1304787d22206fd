//! Makes the handler of a queue out of a function that answers requests.

use std::sync::Arc;
use std::time::Duration;

use garenne_contract::Request;
use serde::Serialize;

use super::{Problem, Refusal, problem};
use crate::broker::{Inbound, Outgoing, Properties, PublishError};
use crate::consumer::{Classified as _, Failure, Message, guard};
use crate::outbox::{Draft, Handling};
use crate::publisher::{Envelope, Publisher, encode, header, now_in_milliseconds};
use crate::retry::{Outcome, Reason};
use crate::topology::names;

/// Answers one request: runs the handler, publishes its reply, and returns once the broker has the reply, or once the
/// handler's transaction is committed with the reply in it.
///
/// A request without `reply_to` is a command: what fails goes onto the retry ladder like an event.
pub(crate) async fn answer<R: Request>(
    publisher: &Publisher,
    inbound: Arc<Inbound>,
    message: &Message,
    handling: &Handling,
    deadline: Duration,
    handler: impl AsyncFnOnce(R) -> Result<R::Reply, Refusal<R::Error>>,
) -> Result<(), Failure> {
    let name = R::NAME.as_str();
    let reply_to = ReplyAddress::of(&inbound, publisher.answers_foreign_clients())?;
    if let Some(reply_to) = reply_to.clone().filter(|_| expired(&inbound)) {
        return send(publisher, name, message, reply_to.problem(&Problem::expired())).await;
    }
    // Reading the request and writing the reply may panic as well: a type may check itself.
    let answered = guard(deadline, async {
        match handler(decode::<R>(&inbound)?).await {
            Ok(reply) => {
                let body = encode(name, &reply)?;
                if !handling.has_begun() {
                    return Ok(Answer::Value(body));
                }
                if let Some(reply_to) = reply_to.clone() {
                    let outgoing = seal(publisher, name, message, reply_to.value(body));
                    // Replies are about nothing but themselves.
                    let key = outgoing.properties.message_id.clone().unwrap_or_default();
                    handling.take_in(Draft { key, outgoing })?;
                }
                handling.commit().await?;
                Ok(Answer::Committed)
            }
            Err(_) if handling.was_handled_before() => {
                publisher.metrics().duplicate(handling.queue());
                Ok(Answer::Committed)
            }
            Err(Refusal::Failure(failure)) => {
                handling.roll_back().await;
                Err(failure)
            }
            Err(Refusal::Domain(error)) => {
                handling.roll_back().await;
                let value = serde_json::to_value(&error).map_err(|unwritable| {
                    Failure::dead_letter(format!("the error of {name} cannot be written: {unwritable}"))
                })?;
                Ok(Answer::Refusal(error.to_string(), value))
            }
        }
    })
    .await;
    if answered.is_err() {
        handling.abandon();
    }
    let Some(reply_to) = reply_to else {
        return match answered {
            Ok(Answer::Value(_) | Answer::Committed) => Ok(()),
            Ok(Answer::Refusal(error, _)) => Err(Failure::dead_letter(error)),
            Err(failure) => Err(failure),
        };
    };
    let reply = match answered {
        Ok(Answer::Committed) => return Ok(()),
        Ok(Answer::Value(body)) => reply_to.value(body),
        Ok(Answer::Refusal(error, value)) => reply_to.problem(&Problem::refused(error, value)),
        Err(failure) if failure.outcome() == Outcome::Hopeless(Reason::Undecodable) => {
            reply_to.problem(&Problem::malformed(failure.to_string()))
        }
        Err(failure) => {
            tracing::warn!(request = name, error = %failure, "the handler of a request failed");
            reply_to.problem(&Problem::failed(failure.outcome() == Outcome::Retryable))
        }
    };
    send(publisher, name, message, reply).await
}

async fn send(publisher: &Publisher, name: &str, message: &Message, reply: Reply) -> Result<(), Failure> {
    let sent = publisher.send(seal(publisher, name, message, reply)).await;
    let settled = sent.map_err(|error| match error {
        // A caller makes its exchange before it asks. Each try would cost the lane its channel, and none would succeed.
        // The default exchange always exists: the lane has taken a neighbour's fault for this one's.
        PublishError::NoExchange { ref exchange, .. } if !exchange.is_empty() => Failure::dead_letter(error),
        error => error.classified(),
    })?;
    if !settled.routed {
        tracing::info!(request = name, "the caller had gone when its reply was ready");
    }
    Ok(())
}

/// What the handler said, written down.
enum Answer {
    Value(Vec<u8>),
    /// Written into the outbox, now or when the request came before.
    Committed,
    /// In words, and as the contract's error.
    Refusal(String, serde_json::Value),
}

/// Where the caller waits.
#[derive(Clone)]
struct ReplyAddress {
    exchange: String,
    key: String,
    correlation_id: Option<String>,
}

struct Reply {
    address: ReplyAddress,
    content_type: &'static str,
    body: Vec<u8>,
}

impl ReplyAddress {
    /// Reads where the reply goes. `None` for a command.
    ///
    /// The address is the caller's word, and this service may publish where the caller may not. So a reply goes only to
    /// an exchange for replies, or, if the service is open to foreign clients, to a queue that the broker has named:
    /// never into an exchange for events or into somebody's work queue.
    fn of(inbound: &Inbound, open: bool) -> Result<Option<Self>, Failure> {
        let properties = &inbound.properties;
        let Some(key) = properties.reply_to.clone() else { return Ok(None) };
        let exchange = properties.text(header::REPLY_EXCHANGE).unwrap_or_default().to_owned();
        let ours = names::is_replies(&exchange);
        let foreign = exchange.is_empty() && open && key.starts_with("amq.");
        if ours || foreign {
            return Ok(Some(Self { exchange, key, correlation_id: properties.correlation_id.clone() }));
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

    fn value(self, body: Vec<u8>) -> Reply {
        Reply { address: self, content_type: "application/json", body }
    }

    fn problem(self, problem: &impl Serialize) -> Reply {
        Reply {
            address: self,
            content_type: problem::CONTENT_TYPE,
            body: serde_json::to_vec(problem).unwrap_or_default(),
        }
    }
}

fn seal(publisher: &Publisher, request: &str, message: &Message, reply: Reply) -> Outgoing {
    let kind = format!("{request}.reply");
    let Reply { address, content_type, body } = reply;
    let cause = message.cause();
    let service = publisher.service();
    let mut outgoing =
        Envelope { exchange: address.exchange, routing_key: &address.key, kind: &kind, service, cause: &cause }
            .seal(body);
    outgoing.properties = Properties {
        correlation_id: address.correlation_id,
        content_type: Some(content_type.to_owned()),
        ..outgoing.properties
    };
    outgoing
}

fn expired(inbound: &Inbound) -> bool {
    let deadline = inbound.properties.integer(header::DEADLINE).and_then(|deadline| u64::try_from(deadline).ok());
    deadline.is_some_and(|deadline| deadline < now_in_milliseconds())
}

fn decode<R: Request>(inbound: &Inbound) -> Result<R, Failure> {
    // A request without fields may come with no body at all.
    let body: &[u8] = if inbound.body.is_empty() { b"{}" } else { &inbound.body };
    serde_json::from_slice(body)
        .map_err(|error| Failure::hopeless(format!("{} cannot be read: {error}", R::NAME), Reason::Undecodable))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(exchange: &str, key: &str, open: bool) -> Result<Option<ReplyAddress>, Failure> {
        let mut properties = Properties { reply_to: Some(key.into()), ..Properties::default() };
        if !exchange.is_empty() {
            properties.set_text(header::REPLY_EXCHANGE, exchange);
        }
        let (exchange, routing_key) = ("clerk.requests".to_owned(), "clerk.double".to_owned());
        ReplyAddress::of(&Inbound { exchange, routing_key, redelivered: false, body: Vec::new(), properties }, open)
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

//! Makes the handler of a queue out of a function that answers requests.

use std::sync::Arc;
use std::time::Duration;

use garenne_contract::Request;
use serde::Serialize;

use super::{Problem, Refusal, problem};
use crate::broker::{Inbound, Outgoing, Properties};
use crate::consumer::{Failure, Message, guard};
use crate::publisher::{Envelope, Publisher, encode, header, now_in_milliseconds};
use crate::retry::{Outcome, Reason};
use crate::topology::names;

/// Answers one request: runs the handler, publishes its reply, and returns once the broker has the reply.
///
/// A request without `reply_to` is a command: what fails goes onto the retry ladder like an event.
pub(crate) async fn answer<R: Request>(
    publisher: &Publisher,
    inbound: Arc<Inbound>,
    message: &Message,
    deadline: Duration,
    handler: impl AsyncFnOnce(R) -> Result<R::Reply, Refusal<R::Error>>,
) -> Result<(), Failure> {
    let name = R::NAME.as_str();
    let reply_to = ReplyAddress::of(&inbound);
    if let Some(reply_to) = reply_to.clone().filter(|_| expired(&inbound)) {
        return send(publisher, name, message, reply_to.problem(&Problem::expired())).await;
    }
    // Reading the request and writing the reply may panic as well: a type may check itself.
    let answered = guard(deadline, async {
        let reply = handler(decode::<R>(&inbound)?).await?;
        encode(name, &reply).map_err(|error| Refusal::Failure(error.into()))
    });
    let answered = answered.await;
    let Some(reply_to) = reply_to else {
        return answered.map(drop).map_err(|refusal| match refusal {
            Refusal::Failure(failure) => failure,
            Refusal::Domain(error) => Failure::dead_letter(error),
        });
    };
    let reply = match answered {
        Ok(body) => reply_to.value(body),
        Err(Refusal::Domain(error)) => {
            let value = serde_json::to_value(&error).unwrap_or_default();
            reply_to.problem(&Problem::refused(error.to_string(), value))
        }
        Err(Refusal::Failure(failure)) if failure.outcome() == Outcome::Hopeless(Reason::Undecodable) => {
            reply_to.problem(&Problem::malformed(failure.to_string()))
        }
        Err(Refusal::Failure(failure)) => {
            tracing::warn!(request = name, error = %failure, "the handler of a request failed");
            reply_to.problem(&Problem::failed(failure.outcome() == Outcome::Retryable))
        }
    };
    send(publisher, name, message, reply).await
}

async fn send(publisher: &Publisher, name: &str, message: &Message, reply: Reply) -> Result<(), Failure> {
    let settled = publisher.send(seal(publisher, name, message, reply)).await?;
    if !settled.routed {
        tracing::info!(request = name, "the caller had gone when its reply was ready");
    }
    Ok(())
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
    fn of(inbound: &Inbound) -> Option<Self> {
        let properties = &inbound.properties;
        let exchange = properties.text(header::REPLY_EXCHANGE).filter(|name| names::is_replies(name));
        Some(Self {
            // A foreign client names a queue, which the default exchange reaches. A header that names any other kind
            // of exchange is not believed: a reply shall not come out as an event.
            exchange: exchange.unwrap_or_default().to_owned(),
            key: properties.reply_to.clone()?,
            correlation_id: properties.correlation_id.clone(),
        })
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

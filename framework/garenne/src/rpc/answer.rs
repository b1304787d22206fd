//! Makes the handler of a queue out of a function that answers requests.

use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{Either, ready};
use garenne_contract::Request;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::caller::{Caller, Dialect, Number, Reply};
use super::{Problem, Refusal, Replies};
use crate::broker::Inbound;
use crate::consumer::{Failure, Message, decode, guard};
use crate::outbox::{Draft, Handling};
use crate::publisher::{Publisher, encode};
use crate::retry::{Outcome, Reason};
use crate::topology::REQUEST_DELIVERY_LIMIT;

/// Answers one request: runs the handler, publishes its reply, and returns once the broker has the reply, or once the
/// handler's transaction is committed with the reply in it.
///
/// A request without `reply_to` is a command: what fails goes onto the retry ladder like an event.
pub(crate) async fn answer<R: Request>(
    publisher: Publisher,
    inbound: Arc<Inbound>,
    message: Arc<Message>,
    handling: Handling,
    deadline: Duration,
    dialect: Option<&'static Dialect>,
    handler: impl AsyncFnOnce(R) -> Result<R::Reply, Refusal<R::Error>>,
) -> Result<(), Failure> {
    let caller = Caller::of(publisher, &inbound, message, R::NAME.as_str(), dialect)?;
    if caller.has_given_up() {
        // Boxed: what rarely happens shall not make the future of every request larger.
        return Box::pin(refuse_late(&caller)).await;
    }
    // Reading the request and writing the reply may panic as well: a type may check itself.
    let answered = guard(deadline, async {
        check_deliveries(&inbound)?;
        match handler(decode::<R>(caller.request, &inbound.body)?).await {
            Ok(reply) => {
                let body = encode(caller.request, &reply)?;
                if !handling.has_begun() {
                    return Ok(Answer::Reply(Reply::value(body)));
                }
                if let Some(outgoing) = caller.seal(Reply::value(body), caller.message.trace()) {
                    // Replies are about nothing but themselves.
                    let key = outgoing.properties.message_id.clone().unwrap_or_default();
                    handling.take_in(Draft { key, outgoing })?;
                }
                handling.commit().await?;
                Ok(Answer::Committed)
            }
            Err(_) if handling.was_handled_before() => {
                caller.publisher.metrics().duplicate(handling.queue());
                Ok(Answer::Committed)
            }
            Err(refusal) => {
                handling.roll_back().await;
                Answer::refusal(caller.request, refusal)
            }
        }
    })
    .await;
    if answered.is_err() {
        handling.abandon();
    }
    conclude(&caller, answered).await
}

/// Answers one request with as many replies as the handler sends, each as soon as it is sent, and says at the end how many
/// there were.
pub(crate) async fn answer_many<R: Request>(
    publisher: Publisher,
    inbound: Arc<Inbound>,
    message: Arc<Message>,
    deadline: Duration,
    dialect: Option<&'static Dialect>,
    handler: impl AsyncFnOnce(R, Replies<R::Reply>) -> Result<(), Refusal<R::Error>>,
) -> Result<(), Failure> {
    let caller = Arc::new(Caller::of(publisher, &inbound, message, R::NAME.as_str(), dialect)?);
    if caller.has_given_up() {
        return refuse_late(&caller).await;
    }
    // Tells this run of the handler from one that another replica began.
    let run = Uuid::now_v7().simple().to_string();
    let replies = Replies::new(Arc::clone(&caller), run.clone());
    let sent = replies.sent();
    let answered = guard(deadline, async {
        check_deliveries(&inbound)?;
        match handler(decode::<R>(caller.request, &inbound.body)?, replies).await {
            Ok(()) => {
                let number = Number { run, number: sent.count(), last: true };
                Ok(Answer::Reply(Reply::value(Vec::new()).numbered(number)))
            }
            Err(refusal) => Answer::refusal(caller.request, refusal),
        }
    })
    .await;
    conclude(&caller, answered).await
}

/// Tells a client of another library what is written already, for nothing handles what it asks.
pub(crate) async fn refuse(
    publisher: Publisher,
    inbound: &Arc<Inbound>,
    message: Arc<Message>,
    dialect: &'static Dialect,
    body: Vec<u8>,
) -> Result<(), Failure> {
    let caller = Caller::of(publisher, inbound, message, "unknown", Some(dialect))?;
    caller.tell(Reply::written(body)).await.map(drop)
}

async fn refuse_late(caller: &Caller) -> Result<(), Failure> {
    caller.publisher.metrics().expired(caller.request);
    caller.tell(Reply::problem(Problem::expired())).await.map(drop)
}

/// What the handler said, written down.
enum Answer {
    Reply(Reply),
    /// Written into the outbox, now or when the request came before.
    Committed,
    /// In words, and as the contract's error.
    Refusal(String, Value),
}

impl Answer {
    fn refusal<E: Serialize + ToString>(name: &str, refusal: Refusal<E>) -> Result<Self, Failure> {
        match refusal {
            Refusal::Failure(failure) => Err(failure),
            Refusal::Domain(error) => {
                let value = serde_json::to_value(&error).map_err(|unwritable| {
                    Failure::dead_letter(format!("the error of {name} cannot be written: {unwritable}"))
                })?;
                Ok(Self::Refusal(error.to_string(), value))
            }
        }
    }
}

/// Tells the caller, or lets the failure of a command take its way.
fn conclude(caller: &Caller, answered: Result<Answer, Failure>) -> impl Future<Output = Result<(), Failure>> + use<'_> {
    // Not an async function, which would have room for what was answered twice.
    match last_word(caller, answered) {
        Continue(reply) => Either::Left(caller.tell(reply).map(|told| told.map(drop))),
        Break(ended) => Either::Right(ready(ended)),
    }
}

/// What the caller is told; or how the handling has ended, if there is nothing to tell.
fn last_word(caller: &Caller, answered: Result<Answer, Failure>) -> ControlFlow<Result<(), Failure>, Reply> {
    if !caller.waits() {
        return Break(match answered {
            Ok(Answer::Reply(_) | Answer::Committed) => Ok(()),
            Ok(Answer::Refusal(error, _)) => Err(Failure::dead_letter(error)),
            Err(failure) => Err(failure),
        });
    }
    match answered {
        Ok(Answer::Committed) => Break(Ok(())),
        Ok(Answer::Reply(reply)) => Continue(reply),
        Ok(Answer::Refusal(error, value)) => Continue(Reply::problem(Problem::refused(error, value))),
        Err(failure) if failure.outcome() == Outcome::Hopeless(Reason::Undecodable) => {
            caller.message.tell_failure(&failure);
            Continue(Reply::problem(Problem::malformed(failure.to_string())))
        }
        Err(failure) => {
            tracing::warn!(request = caller.request, error = %failure, "the handler of a request failed");
            caller.message.tell_failure(&failure);
            let retryable = failure.outcome() == Outcome::Retryable;
            let problem = if caller.has_given_up() { Problem::expired() } else { Problem::failed(retryable) };
            Continue(Reply::problem(problem))
        }
    }
}

/// A request that ends its process each time is not handled for ever. The queue of requests has no dead-letter exchange, so the
/// broker would drop it in the end.
fn check_deliveries(inbound: &Inbound) -> Result<(), Failure> {
    // On a first delivery the header is the sender's word.
    let again = inbound.properties.integer("x-delivery-count").filter(|_| inbound.redelivered);
    if again.is_some_and(|again| again >= REQUEST_DELIVERY_LIMIT) {
        let text = format!("it was delivered {REQUEST_DELIVERY_LIMIT} times and more, and its handler never ended");
        return Err(Failure::hopeless(text, Reason::DeliveredTooOften));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Properties;

    #[test]
    fn a_request_that_ends_its_process_each_time_is_given_up_and_a_forged_count_is_not_believed() {
        let fate = |redelivered: bool, count: i64| {
            let mut properties = Properties::default();
            properties.set_integer("x-delivery-count", count);
            let inbound = Inbound::of("clerk.requests", "clerk.double", "", properties);
            check_deliveries(&Inbound { redelivered, ..inbound })
        };
        assert_eq!(fate(true, 15).unwrap_err().class(), "delivered-too-often");
        assert!(fate(true, 14).is_ok() && fate(false, 50).is_ok());
    }
}

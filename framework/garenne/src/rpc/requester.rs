//! Sends requests and waits for replies.

use std::sync::Arc;
use std::time::Duration;

use garenne_contract::Request;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::waiters::{Waiters, Waiting};
use super::{AskError, Problem, problem};
use crate::broker::{Consume, Inbound, Intake, Origin, PublishError, Source};
use crate::publisher::{Cause, Envelope, Publisher, encode, header, now_in_milliseconds};
use crate::telemetry::Metrics;
use crate::topology::{Blueprint, names};

/// The broker takes no expiration beyond 49 days; nobody waits so long.
const LONGEST_PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// Asks on behalf of one process. All its replies come to one queue that belongs to its connection.
#[derive(Debug, Clone)]
pub(crate) struct Requester {
    publisher: Publisher,
    blueprint: Arc<Blueprint>,
    metrics: Arc<Metrics>,
    waiters: Waiters,
    /// The queue to which replies come now. Empty while there is none.
    reply_to: watch::Sender<String>,
}

impl Requester {
    pub(crate) fn new(publisher: Publisher, blueprint: Arc<Blueprint>, metrics: Arc<Metrics>, limit: usize) -> Self {
        Self { publisher, blueprint, metrics, waiters: Waiters::new(limit), reply_to: watch::Sender::default() }
    }

    /// Where the replies come from.
    pub(crate) fn source(&self, instance: &str) -> Source {
        let requester = self.clone();
        let consume: Consume = Arc::new(move |intake| {
            let requester = requester.clone();
            Box::pin(async move { requester.receive(intake).await })
        });
        let (blueprint, name) = (Arc::clone(&self.blueprint), instance.to_owned());
        Source {
            origin: Origin::Exclusive(Box::new(move |word| blueprint.replies(&format!("{name}.{word}")))),
            consumer_tag: format!("{}.replies/{instance}", self.blueprint.service),
            // The broker sends replies without waiting for acknowledgements; the limit of waiting calls bounds them.
            prefetch: 1000,
            no_ack: true,
            stays: true,
            consume,
        }
    }

    async fn receive(&self, mut intake: Intake) {
        let queue = intake.queue().to_owned();
        self.reply_to.send_replace(queue.clone());
        // However this ends, also when it is cut off.
        let _receiving = Receiving { requester: self, queue };
        while let Some(delivered) = intake.next().await {
            if !self.waiters.deliver(delivered.inbound) {
                self.metrics.late_reply();
            }
        }
    }

    /// Sends a request and waits for its reply, at most so long.
    ///
    /// Dropping the future forgets the call; the responder is not told.
    pub(crate) async fn ask<R: Request>(
        &self,
        request: &R,
        cause: &Cause,
        patience: Duration,
    ) -> Result<R::Reply, AskError<R::Error>> {
        let name = R::NAME.as_str();
        if !self.blueprint.asks.contains(&R::NAME) {
            let service = self.publisher.service().to_owned();
            return Err(AskError::Publish(PublishError::Undeclared { message: name, service, method: "asks" }));
        }
        let body = encode(name, request).map_err(AskError::Publish)?;
        let patience = patience.min(LONGEST_PATIENCE);
        let (started, deadline) = (Instant::now(), Instant::now() + patience);
        let id = Uuid::now_v7().to_string();
        let too_many = AskError::TooManyCalls { request: name, limit: self.waiters.limit() };
        let mut waiting = self.waiters.wait_for(&id).ok_or(too_many)?;
        let exchanged = timeout_at(deadline, self.exchange::<R>(&id, body, cause, deadline, &mut waiting)).await;
        let reply = exchanged.unwrap_or_else(|_| {
            if self.reply_to.borrow().is_empty() {
                return Err(AskError::Disconnected { request: name });
            }
            self.metrics.timed_out(name);
            Err(AskError::Timeout { request: name, waited: patience })
        })?;
        self.metrics.answered(name, started.elapsed());
        read::<R>(&reply)
    }

    async fn exchange<R: Request>(
        &self,
        id: &str,
        body: Vec<u8>,
        cause: &Cause,
        deadline: Instant,
        waiting: &mut Waiting,
    ) -> Result<Inbound, AskError<R::Error>> {
        let request = R::NAME.as_str();
        let mut reply_to = self.reply_to.subscribe();
        // The sender lives as long as self.
        let reply_to =
            reply_to.wait_for(|queue| !queue.is_empty()).await.map(|queue| queue.clone()).unwrap_or_default();
        let exchange = names::requests(R::NAME.owner());
        let service = self.publisher.service();
        let mut outgoing = Envelope { exchange, routing_key: request, kind: request, service, cause }.seal(body);
        let left = deadline.saturating_duration_since(Instant::now());
        let milliseconds = u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1);
        let properties = &mut outgoing.properties;
        properties.set_text(header::CONVERSATION_ID, cause.conversation.clone());
        properties.set_text(header::REPLY_EXCHANGE, names::replies(service));
        properties.set_integer(header::DEADLINE, now_in_milliseconds().saturating_add(milliseconds));
        properties.message_id = Some(id.to_owned());
        properties.correlation_id = Some(id.to_owned());
        properties.reply_to = Some(reply_to);
        // The broker drops what nobody has taken up in time.
        properties.expiration = Some(milliseconds.to_string());
        let publish = self.publisher.send_within(outgoing, left);
        tokio::pin!(publish);
        let mut confirmed = false;
        loop {
            tokio::select! {
                biased;
                reply = waiting.reply() => return reply.ok_or(AskError::Disconnected { request }),
                // The reply may overtake the confirm.
                published = &mut publish, if !confirmed => match published {
                    Ok(settled) if settled.routed => confirmed = true,
                    Ok(_) => return Err(AskError::NobodyThere { request }),
                    // The owner makes the exchange when it first starts.
                    Err(PublishError::NoExchange { .. }) => return Err(AskError::NobodyThere { request }),
                    Err(error) => return Err(AskError::Publish(error)),
                },
            }
        }
    }
}

/// Replies come to this queue while it lives. Dropping it tells all who wait that theirs will not come.
struct Receiving<'a> {
    requester: &'a Requester,
    queue: String,
}

impl Drop for Receiving<'_> {
    fn drop(&mut self) {
        let current = self.requester.reply_to.send_if_modified(|queue| {
            let current = *queue == self.queue;
            if current {
                queue.clear();
            }
            current
        });
        if current {
            self.requester.waiters.fail_all();
        }
    }
}

fn read<R: Request>(reply: &Inbound) -> Result<R::Reply, AskError<R::Error>> {
    let request = R::NAME.as_str();
    if reply.properties.content_type.as_deref() == Some(problem::CONTENT_TYPE) {
        let problem: Problem = serde_json::from_slice(&reply.body).unwrap_or_default();
        if problem.kind == problem::REFUSED
            && let Ok(error) = serde_json::from_value(problem.error.clone())
        {
            return Err(AskError::Remote(error));
        }
        return Err(AskError::Problem(problem));
    }
    // An empty body is the empty reply.
    let body: &[u8] = if reply.body.is_empty() { b"null" } else { &reply.body };
    serde_json::from_slice(body).map_err(|error| AskError::Undecodable { request, reason: error.to_string() })
}

//! Sends requests and waits for replies.

use std::fmt::Display;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use garenne_contract::Request;
use tokio::time::{Instant, timeout_at};

use super::mailbox::Mailbox;
use super::waiters::Waiting;
use super::{Answers, AskError, Problem, problem};
use crate::broker::{Inbound, Lane, Outgoing, PublishError};
use crate::publisher::{
    Cause, Envelope, Operation, Publisher, Role, about_outgoing, encode, header, new_id, now_in_milliseconds,
};
use crate::telemetry::{Kind, Span};
use crate::topology::{Blueprint, Exit, names};

/// The broker takes no expiration beyond 49 days; nobody waits so long.
const LONGEST_PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// Asks on behalf of one process.
#[derive(Debug, Clone)]
pub(crate) struct Requester {
    /// When replies come directly, the one whose channel they come to.
    pub(super) publisher: Publisher,
    blueprint: Arc<Blueprint>,
    pub(super) mailbox: Mailbox,
}

/// A request that may be sent.
pub(super) struct Call {
    /// Its name.
    pub(super) request: &'static str,
    pub(super) id: Arc<str>,
    cause: Cause,
    pub(super) patience: Duration,
    pub(super) started: Instant,
    pub(super) deadline: Instant,
    /// Where it goes, if not to an exchange of its owner.
    exit: Option<Exit>,
    /// From the question to its answer.
    pub(super) span: Span,
}

impl Requester {
    /// Without a cause a new conversation begins, which has the name of the request.
    pub(super) fn begin(
        &self,
        request: &'static str,
        cause: Option<Cause>,
        patience: Duration,
        exit: Option<Exit>,
    ) -> Call {
        let (started, patience) = (Instant::now(), patience.min(LONGEST_PATIENCE));
        let id = new_id();
        let cause = cause.unwrap_or_else(|| Cause::begins(Arc::clone(&id)));
        let mut span = self.publisher.tracer().begin(Kind::Client, &cause.trace);
        span.describe(|about| about.name(format!("ask {request}")));
        Call { request, id, cause, patience, started, deadline: started + patience, exit, span }
    }

    pub(crate) fn new(publisher: Publisher, blueprint: Arc<Blueprint>, mailbox: Mailbox) -> Self {
        Self { publisher, blueprint, mailbox }
    }

    /// Sends a request and waits for its reply, at most so long.
    ///
    /// Dropping the future forgets the call; the responder is not told.
    pub(crate) async fn ask<R: Request>(
        &self,
        request: &R,
        cause: Option<Cause>,
        patience: Duration,
    ) -> Result<R::Reply, AskError<R::Error>> {
        let (mut call, body) = self.call(request, cause, patience)?;
        let waiting = self.mailbox.waiters.wait_for(&call.id).ok_or_else(|| self.too_many::<R>())?;
        let mut sent = false;
        let exchanged = timeout_at(call.deadline, self.exchange::<R>(&mut call, body, waiting, &mut sent)).await;
        let reply = exchanged.unwrap_or_else(|_| Err(self.late::<R>(&call, sent)));
        let answer = reply.and_then(|reply| {
            self.publisher.metrics().answered(call.request, call.started.elapsed());
            read::<R>(&reply)
        });
        answered(call.span, answer.as_ref().err());
        answer
    }

    /// Sends a request and returns once the broker has it. All its replies together may take so long.
    ///
    /// Dropping what is returned forgets the call; the responder is not told.
    pub(crate) async fn ask_many<R: Request>(
        &self,
        request: &R,
        cause: Option<Cause>,
        patience: Duration,
    ) -> Result<Answers<R>, AskError<R::Error>> {
        let (mut call, body) = self.call(request, cause, patience)?;
        let waiting = self.mailbox.waiters.wait_for_many(&call.id).ok_or_else(|| self.too_many::<R>())?;
        let sent = timeout_at(call.deadline, self.send::<R>(&mut call, body)).await;
        if let Err(error) = sent.unwrap_or_else(|_| Err(self.late::<R>(&call, false))) {
            answered(call.span, Some(&error));
            return Err(error);
        }
        Ok(Answers::new(call, waiting, self.publisher.clone()))
    }

    /// What requests are sent on.
    pub(crate) fn lane(&self) -> &Lane {
        self.publisher.lane()
    }

    /// Sends nothing more. What was sent may still be answered.
    pub(crate) fn close(&self) {
        self.publisher.lane().close();
    }

    fn call<R: Request>(
        &self,
        request: &R,
        cause: Option<Cause>,
        patience: Duration,
    ) -> Result<(Call, Vec<u8>), AskError<R::Error>> {
        let name = R::NAME.as_str();
        if !self.blueprint.asks.contains(&R::NAME) {
            return Err(AskError::Publish(self.publisher.not_asked(R::NAME)));
        }
        let body = encode(name, request).map_err(AskError::Publish)?;
        Ok((self.begin(name, cause, patience, None), body))
    }

    /// Where a request goes that is not for an exchange of its owner.
    pub(crate) fn exit<R: Request>(&self) -> Option<&Exit> {
        self.blueprint.exits.get(&R::NAME).filter(|exit| exit.asks)
    }

    pub(super) fn too_many<R: Request>(&self) -> AskError<R::Error> {
        AskError::TooManyCalls { request: R::NAME.as_str(), limit: self.mailbox.waiters.limit() }
    }

    pub(super) fn late<R: Request>(&self, call: &Call, sent: bool) -> AskError<R::Error> {
        let (request, waited) = (call.request, call.patience);
        if !self.mailbox.is_open() {
            return AskError::Disconnected { request };
        }
        if let Some(trouble) = self.publisher.lane().trouble(request, waited).filter(|_| !sent) {
            return AskError::Publish(trouble);
        }
        self.publisher.metrics().timed_out(request);
        AskError::Timeout { request, waited }
    }

    async fn exchange<R: Request>(
        &self,
        call: &mut Call,
        body: Vec<u8>,
        mut waiting: Waiting,
        sent: &mut bool,
    ) -> Result<Inbound, AskError<R::Error>> {
        let request = call.request;
        let mut sending = pin!(self.send::<R>(call, body));
        loop {
            tokio::select! {
                biased;
                reply = waiting.reply() => return reply.ok_or(AskError::Disconnected { request }),
                // The reply may overtake the confirm.
                result = &mut sending, if !*sent => {
                    result?;
                    *sent = true;
                }
            }
        }
    }

    /// Sends the request as soon as replies can come, and returns once the broker has it in a queue.
    pub(super) async fn send<R: Request>(&self, call: &mut Call, body: Vec<u8>) -> Result<(), AskError<R::Error>> {
        let request = call.request;
        let address = self.mailbox.address_for(&call.id).await;
        let left = call.deadline.saturating_duration_since(Instant::now());
        // Rounded down: the responder shall not believe in time that nobody has.
        let milliseconds = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        if milliseconds == 0 {
            return Err(AskError::Timeout { request, waited: call.patience });
        }
        let outgoing = self.seal::<R>(call, body, address, milliseconds);
        call.span.describe(|about| about_outgoing(about, Operation::ASK, &outgoing));
        match self.publisher.send_patiently(request, outgoing).await {
            Ok(settled) if settled.routed => Ok(()),
            // The owner makes the exchange when it first starts.
            Ok(_) | Err(PublishError::NoExchange { .. }) => Err(AskError::NobodyThere { request }),
            Err(error) => Err(AskError::Publish(error)),
        }
    }

    fn seal<R: Request>(&self, call: &Call, body: Vec<u8>, address: String, milliseconds: u64) -> Outgoing {
        let Call { request, cause, .. } = call;
        let (service, trace) = (self.publisher.service(), call.span.trace());
        let (exchange, routing_key) = match &call.exit {
            None => (names::requests(R::NAME.owner()), *request),
            Some(exit) => (exit.exchange.clone(), exit.key.as_str()),
        };
        let role = Role::Asks(&call.id);
        let mut outgoing = Envelope { exchange, routing_key, kind: request, service, role, cause, trace }.seal(body);
        let properties = &mut outgoing.properties;
        if cause.conversation != call.id {
            properties.set_text(header::CONVERSATION_ID, &*cause.conversation);
        }
        if !self.blueprint.direct_replies && call.exit.is_none() {
            properties.set_text(header::REPLY_EXCHANGE, names::replies(service));
        }
        properties.set_integer(header::DEADLINE, now_in_milliseconds().saturating_add(milliseconds));
        properties.reply_to = Some(address);
        // The broker drops what nobody has taken up in time.
        properties.expiration = Some(milliseconds.to_string());
        outgoing
    }
}

/// The span of a call ends. What the contract calls an error is an answer as any other.
pub(super) fn answered<E: Display>(span: Span, error: Option<&AskError<E>>) {
    let failed = error.filter(|error| !matches!(error, AskError::Remote(_)));
    span.end(failed.map(|error| (error.class(), error as &dyn Display)));
}

/// What the responder says: its reply, or why there is none.
pub(super) fn read<R: Request>(reply: &Inbound) -> Result<R::Reply, AskError<R::Error>> {
    if Problem::is(reply) {
        let problem = Problem::read(&reply.body);
        if problem.kind == problem::REFUSED
            && let Ok(error) = serde_json::from_value(problem.error.clone())
        {
            return Err(AskError::Remote(error));
        }
        return Err(AskError::Problem(Box::new(problem)));
    }
    // An empty body is the empty reply.
    let body: &[u8] = if reply.body.is_empty() { b"null" } else { &reply.body };
    serde_json::from_slice(body).map_err(|error| AskError::Undecodable {
        request: R::NAME.as_str(),
        reason: error.to_string(),
        reply: serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into()),
    })
}

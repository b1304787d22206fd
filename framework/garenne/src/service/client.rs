//! What a background task gets.

use std::sync::Arc;
use std::time::Duration;

use garenne_contract::{Event, MessageName, Request};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::broker::{Inbound, LaneState, Phase, PublishError};
use crate::consumer::Message;
use crate::nest;
use crate::outbox::{Handling, Outbox, UnitOfWork};
use crate::publisher::{Cause, Publisher, Receipt};
use crate::rpc::{Answers, AskError, Requester};
use crate::telemetry::Tracer;

/// The service's state and its way to the broker, outside of any handler. Cheap to clone.
///
/// Everything published or asked through it begins a new conversation.
///
/// ```
/// use garenne::{AskError, Client, Request, Service};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Request, Serialize, Deserialize)]
/// #[request(name = "inventory.check-stock", reply = u32)]
/// struct CheckStock {
///     sku: String,
/// }
///
/// struct Desk;
///
/// async fn look_after_mugs(client: Client<Desk>) -> Result<(), std::io::Error> {
///     let ask = CheckStock { sku: "MUG".into() };
///     loop {
///         let mugs = tokio::select! {
///             mugs = client.ask(&ask) => mugs,
///             () = client.stopping() => return Ok(()),
///         };
///         match mugs {
///             Ok(0) => println!("no mugs left"),
///             Ok(_) => {}
///             Err(AskError::NobodyThere { .. }) => println!("inventory has never been started"),
///             Err(error) => println!("{error}"),
///         }
/// #       return Ok(());
///     }
/// }
///
/// let service = Service::new("desk").asks::<CheckStock>().background("mugs", look_after_mugs);
/// assert!(service.faults().is_empty());
/// ```
pub struct Client<S> {
    pub(super) parts: Arc<Parts<S>>,
}

/// What all handlers and background tasks of a service share.
pub(super) struct Parts<S> {
    pub(super) state: S,
    pub(super) publisher: Publisher,
    pub(super) requester: Requester,
    /// If the service says where its transactions are.
    pub(super) outbox: Option<Outbox>,
    pub(super) request_timeout: Duration,
    pub(super) phase: watch::Receiver<Phase>,
    pub(super) drain: watch::Receiver<Option<Instant>>,
    /// Of each reader of a log: why it does not get on, if so.
    pub(super) stuck: Vec<watch::Receiver<Option<String>>>,
}

impl<S> Client<S> {
    /// The service's state.
    #[must_use]
    pub fn state(&self) -> &S {
        &self.parts.state
    }

    /// Publishes an event and returns once the broker has confirmed it.
    ///
    /// # Errors
    ///
    /// [`PublishError`] says whether the broker may have the event all the same.
    pub async fn publish<E: Event>(&self, event: &E) -> Result<Receipt, PublishError> {
        self.parts.publisher.event(event, &Cause::new_conversation()).await
    }

    /// Begins a transaction in which events are published with its commit or not at all.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached in time, or the service does not say [where](crate::Service::stores_in) it is.
    pub async fn transaction(&self) -> Result<UnitOfWork, sqlx::Error> {
        let Parts { publisher, outbox, .. } = &*self.parts;
        let missing = || sqlx::Error::Configuration(Outbox::MISSING.into());
        UnitOfWork::begin(outbox.as_ref().ok_or_else(missing)?, publisher).await
    }

    /// Sends a request and waits for its reply, at most `REQUEST_TIMEOUT_MS`.
    ///
    /// # Errors
    ///
    /// [`AskError`] says what is known about the request's fate.
    pub async fn ask<R: Request>(&self, request: &R) -> Result<R::Reply, AskError<R::Error>> {
        self.ask_within(request, self.parts.request_timeout).await
    }

    /// Sends a request and waits for its reply, at most so long, and never longer than 24 hours.
    ///
    /// # Errors
    ///
    /// [`AskError`] says what is known about the request's fate.
    pub async fn ask_within<R: Request>(
        &self,
        request: &R,
        patience: Duration,
    ) -> Result<R::Reply, AskError<R::Error>> {
        self.parts.ask(request, None, patience).await
    }

    /// Sends a request that is answered with several replies. All of them together may take `REQUEST_TIMEOUT_MS`.
    ///
    /// # Errors
    ///
    /// When the request cannot be sent. What goes wrong later comes among the replies.
    pub async fn ask_many<R: Request>(&self, request: &R) -> Result<Answers<R>, AskError<R::Error>> {
        self.ask_many_within(request, self.parts.request_timeout).await
    }

    /// The same within another time, of which 24 hours count at most.
    ///
    /// # Errors
    ///
    /// When the request cannot be sent. What goes wrong later comes among the replies.
    pub async fn ask_many_within<R: Request>(
        &self,
        request: &R,
        patience: Duration,
    ) -> Result<Answers<R>, AskError<R::Error>> {
        self.parts.requester.ask_many(request, None, patience).await
    }

    /// Sends a request that nobody waits for, and returns once its owner's queue has it. What fails there is tried again on the
    /// owner's retry ladder, as an event is.
    ///
    /// # Errors
    ///
    /// [`PublishError`] says whether the broker may have the command all the same.
    pub async fn command<R: Request>(&self, request: &R) -> Result<(), PublishError> {
        self.parts.publisher.command(request, &Cause::new_conversation()).await
    }

    /// Makes spans of what comes to the service by another way than the broker.
    #[must_use]
    pub fn tracer(&self) -> Tracer {
        self.parts.publisher.tracer().clone()
    }

    /// Whether the service consumes and can publish now.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.parts.readiness().is_ok()
    }

    /// Ends when the service shall stop. A background task should then finish and return.
    pub async fn stopping(&self) {
        let _ = self.parts.drain.clone().wait_for(Option::is_some).await;
    }
}

impl<S> Parts<S> {
    /// Asks whoever answers this request.
    pub(super) async fn ask<R: Request>(
        &self,
        request: &R,
        cause: Option<Cause>,
        patience: Duration,
    ) -> Result<R::Reply, AskError<R::Error>> {
        match self.requester.exit::<R>() {
            None => self.requester.ask(request, cause, patience).await,
            // Apart, so that other requests do not carry its state around.
            Some(exit) => Box::pin(nest::ask(&self.requester, exit, request, cause, patience)).await,
        }
    }

    /// What the handler of this delivery commits together.
    pub(super) fn handling(
        &self,
        queue: &Arc<str>,
        name: MessageName,
        inbound: &Arc<Inbound>,
        message: &Message,
    ) -> Handling {
        Handling::new(self.outbox.clone(), queue, name, inbound, message)
    }

    /// Whether the service can do its work, or why not.
    pub(super) fn readiness(&self) -> Result<(), String> {
        if self.drain.borrow().is_some() {
            return Err("draining".into());
        }
        match &*self.phase.borrow() {
            Phase::Consuming => {}
            Phase::Drained => return Err("draining".into()),
            Phase::Waiting(reason) => return Err(format!("not consuming: {reason}")),
            Phase::Stopped => return Err("stopped".into()),
        }
        if let Some(reason) = self.stuck.iter().find_map(|stuck| stuck.borrow().clone()) {
            return Err(reason);
        }
        for (lane, purpose) in [(self.publisher.lane(), "publishing"), (self.requester.lane(), "asking")] {
            match &*lane.state().borrow() {
                // A blocked broker takes messages again; restarting or bypassing this replica would not help.
                LaneState::Open | LaneState::Blocked(_) => {}
                LaneState::Connecting(reason) => return Err(format!("not {purpose}: {reason}")),
            }
        }
        Ok(())
    }
}

impl<S> Clone for Client<S> {
    fn clone(&self) -> Self {
        Self { parts: Arc::clone(&self.parts) }
    }
}

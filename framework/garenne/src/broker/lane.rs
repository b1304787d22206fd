//! A publishing lane, as publishers see it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use super::connection::Broker;
use super::publish_error::PublishError;
use super::pump::Pump;
use super::room::{Limits, Room, Rooms};
use super::{Direct, Outgoing};
use crate::telemetry::{Metrics, Published};

/// Ten years.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// A handle to the lane's task. The task ends, after the last confirm, when the lane is closed or every handle is gone.
#[derive(Debug, Clone)]
pub(crate) struct Lane {
    jobs: mpsc::Sender<Job>,
    rooms: Rooms,
    broker: Arc<Broker>,
    state: watch::Receiver<LaneState>,
    closing: watch::Sender<bool>,
}

/// Whether the lane can publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LaneState {
    /// And why it could not so far.
    Connecting(String),
    Open,
    Blocked(String),
}

/// The broker has the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Confirmed {
    /// Whether any queue took it.
    pub(crate) routed: bool,
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) message: Message,
    /// If it is counted.
    published: Option<Published>,
    respond: oneshot::Sender<Result<Confirmed, PublishError>>,
    _room: Room,
}

#[derive(Debug, Clone)]
pub(super) struct Message(pub(super) Arc<Outgoing>);

impl Job {
    /// Whether its publisher has given up.
    pub(super) fn is_abandoned(&self) -> bool {
        self.respond.is_closed()
    }

    /// Tells what became of it. A confirm counts also when its publisher does not wait any more.
    pub(super) fn settle(self, outcome: impl FnOnce(&Message) -> Result<Confirmed, PublishError>, metrics: &Metrics) {
        let outcome = outcome(&self.message);
        if let (Ok(confirmed), Some(published)) = (&outcome, &self.published) {
            metrics.confirmed(published, confirmed.routed);
        }
        let _the_publisher_may_have_given_up = self.respond.send(outcome);
    }
}

impl Message {
    /// Whoever holds it from here on moves a pointer, and not all that belongs to it.
    fn new(outgoing: Outgoing) -> Self {
        Self(Arc::new(outgoing))
    }

    pub(super) fn name(&self) -> String {
        self.0.name().to_owned()
    }
}

impl Lane {
    /// A lane, and its task, which is to be spawned. It connects once `declared` says that the service's exchanges exist. With `direct`, replies to what is
    /// published come to its channel.
    pub(crate) fn new(
        broker: Arc<Broker>,
        declared: watch::Receiver<bool>,
        limits: Limits,
        metrics: Arc<Metrics>,
        direct: Option<Direct>,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (jobs, receiver) = mpsc::channel(limits.messages);
        let (state, watched) = watch::channel(LaneState::Connecting("not connected yet".into()));
        let (closing, when_closing) = watch::channel(false);
        let rooms = Rooms::new(limits, Arc::clone(&metrics));
        let pump = Pump::new(Arc::clone(&broker), declared, receiver, state, when_closing, metrics, direct);
        let lane = Self { jobs, rooms, broker, state: watched, closing };
        (lane, pump.run())
    }

    pub(crate) fn state(&self) -> watch::Receiver<LaneState> {
        self.state.clone()
    }

    /// Takes no more messages: who publishes from now on is told that the service has stopped. What was taken already is
    /// still confirmed.
    pub(crate) fn close(&self) {
        self.rooms.close();
        self.closing.send_replace(true);
    }

    /// Notes that a copy went to an exchange where nothing is bound for it.
    pub(crate) fn note_missing(&self, exchange: &str) {
        self.broker.note_missing(exchange);
    }

    /// Room for a message of this weight, when there is some at once.
    pub(crate) fn room_now(&self, weight: usize) -> Option<Room> {
        self.rooms.now(weight)
    }

    /// Room for a message of this weight, waited for at most so long.
    pub(crate) async fn room(&self, message: &str, weight: usize, patience: Duration) -> Result<Room, PublishError> {
        match self.rooms.by(Instant::now() + patience, weight).await {
            Ok(Some(room)) => Ok(room),
            Ok(None) => Err(self.rooms.taken(message.to_owned(), patience, &self.state.borrow())),
            Err(_) => Err(PublishError::Stopped { message: message.to_owned() }),
        }
    }

    /// Publishes and waits for the confirm; for that and for room, at most so long. The confirm is counted if the message is.
    ///
    /// Dropping the future does not recall the message.
    pub(crate) fn publish(
        &self,
        outgoing: Outgoing,
        published: Option<Published>,
        patience: Duration,
    ) -> impl Future<Output = Result<Confirmed, PublishError>> {
        let (began, message) = (Instant::now(), Message::new(outgoing));
        async move {
            let room = self.room_for(&message, patience).await?;
            self.confirmed(room, message, published, began, patience).await
        }
    }

    /// Publishes what has room already, and waits for the confirm until `patience` is over, which began before.
    pub(crate) fn publish_in(
        &self,
        room: Room,
        outgoing: Outgoing,
        published: Published,
        began: Instant,
        patience: Duration,
    ) -> impl Future<Output = Result<Confirmed, PublishError>> {
        self.confirmed(room, Message::new(outgoing), Some(published), began, patience)
    }

    /// Publishes and waits for the confirm, and for room, as long as its caller does.
    ///
    /// Dropping the future does not recall the message.
    pub(crate) fn publish_patiently(
        &self,
        outgoing: Outgoing,
        published: Published,
    ) -> impl Future<Output = Result<Confirmed, PublishError>> {
        let message = Message::new(outgoing);
        async move {
            let room = self.room_for(&message, FOR_EVER).await?;
            self.submit(room, message, Some(published)).await
        }
    }

    async fn room_for(&self, message: &Message, patience: Duration) -> Result<Room, PublishError> {
        let weight = message.0.weight();
        match self.room_now(weight) {
            Some(room) => Ok(room),
            // Boxed: what rarely happens shall not make the future of every message larger.
            None => Box::pin(self.room(&message.name(), weight, patience)).await,
        }
    }

    async fn confirmed(
        &self,
        room: Room,
        message: Message,
        published: Option<Published>,
        began: Instant,
        patience: Duration,
    ) -> Result<Confirmed, PublishError> {
        let late = |_| Err(self.late(message.name(), patience));
        let settled = self.submit(room, message.clone(), published);
        timeout_at(began + patience, settled).await.unwrap_or_else(late)
    }

    /// Hands the message to the lane's task at once. What is returned settles when the message does.
    fn submit(
        &self,
        room: Room,
        message: Message,
        published: Option<Published>,
    ) -> impl Future<Output = Result<Confirmed, PublishError>> + use<> {
        let (respond, response) = oneshot::channel();
        // There is a place in the queue for each room, so it is never full. When it is closed, so is the response.
        let _ = self.jobs.try_send(Job { message: message.clone(), published, respond, _room: room });
        async move { response.await.unwrap_or_else(|_| Err(PublishError::Stopped { message: message.name() })) }
    }

    /// Why a message that waits is not confirmed, if there is a reason that the lane knows.
    pub(crate) fn trouble(&self, message: &str, waited: Duration) -> Option<PublishError> {
        let open = *self.state.borrow() == LaneState::Open;
        (!open).then(|| self.late(message.to_owned(), waited))
    }

    fn late(&self, message: String, waited: Duration) -> PublishError {
        match self.state.borrow().clone() {
            LaneState::Open => PublishError::Timeout { message, waited },
            LaneState::Blocked(reason) => PublishError::Blocked { message, reason, waited },
            LaneState::Connecting(reason) => PublishError::Disconnected { message, reason, waited },
        }
    }
}

/// Ends when the lane is closed.
pub(super) async fn closed(closing: &mut watch::Receiver<bool>) {
    let _ = closing.wait_for(|closing| *closing).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Properties;

    /// What is counted once a message of which nobody waits to hear has had this outcome.
    fn counted(outcome: Result<Confirmed, PublishError>) -> String {
        let metrics = Arc::new(Metrics::new("desk"));
        let rooms = Rooms::new(Limits { messages: 1, bytes: 1000 }, Arc::clone(&metrics));
        let message = Message::new(Outgoing {
            exchange: "clerk.requests".into(),
            routing_key: "clerk.double".into(),
            body: Vec::new(),
            properties: Properties::default(),
        });
        let (respond, response) = oneshot::channel();
        let published = Some(metrics.published("clerk.double"));
        let job = Job { message, published, respond, _room: rooms.now(1).unwrap() };
        drop(response);
        assert!(job.is_abandoned());
        job.settle(|_| outcome, &metrics);
        assert!(rooms.now(1).is_some(), "it takes no room any more");
        metrics.exposition()
    }

    #[test]
    fn a_confirm_counts_also_when_the_reply_has_come_before_it_or_its_publisher_has_given_up() {
        let confirmed = "garenne_confirmed_total{service=\"desk\",message=\"clerk.double\"} ";
        assert!(counted(Ok(Confirmed { routed: true })).contains(&format!("{confirmed}1")));
        let rejected = PublishError::Rejected { message: "clerk.double".into() };
        assert!(counted(Err(rejected)).contains(&format!("{confirmed}0")));
    }
}

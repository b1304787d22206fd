//! A publishing lane, as publishers see it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Outgoing;
use super::connection::Broker;
use super::publish_error::PublishError;
use super::pump::Pump;
use crate::telemetry::Metrics;

/// A handle to the lane's task. The task ends, after the last confirm, when the lane is closed or every handle is gone.
#[derive(Debug, Clone)]
pub(crate) struct Lane {
    jobs: mpsc::Sender<Job>,
    in_flight: Arc<Semaphore>,
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
    pub(super) respond: oneshot::Sender<Result<Confirmed, PublishError>>,
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug, Clone)]
pub(super) struct Message(pub(super) Arc<Outgoing>);

impl Message {
    pub(super) fn name(&self) -> String {
        self.0.properties.kind.clone().unwrap_or_else(|| self.0.routing_key.clone())
    }
}

impl Lane {
    /// Starts the lane. It connects once `declared` says that the service's exchanges exist.
    pub(crate) fn start(
        broker: Arc<Broker>,
        declared: watch::Receiver<bool>,
        in_flight: usize,
        metrics: Arc<Metrics>,
    ) -> (Self, JoinHandle<()>) {
        let (jobs, receiver) = mpsc::channel(in_flight);
        let (state, watched) = watch::channel(LaneState::Connecting("not connected yet".into()));
        let (closing, when_closing) = watch::channel(false);
        let pump = Pump::new(broker, declared, receiver, state, when_closing, metrics);
        let lane = Self { jobs, in_flight: Arc::new(Semaphore::new(in_flight)), state: watched, closing };
        (lane, tokio::spawn(pump.run()))
    }

    pub(crate) fn state(&self) -> watch::Receiver<LaneState> {
        self.state.clone()
    }

    /// Takes no more messages: who publishes from now on is told that the service has stopped. What was taken already is
    /// still confirmed.
    pub(crate) fn close(&self) {
        self.in_flight.close();
        self.closing.send_replace(true);
    }

    /// Publishes and waits for the confirm, at most so long.
    ///
    /// Dropping the future does not recall the message.
    pub(crate) async fn publish(&self, outgoing: Outgoing, patience: Duration) -> Result<Confirmed, PublishError> {
        let message = Message(Arc::new(outgoing));
        let name = message.name();
        let stopped = || PublishError::Stopped { message: name.clone() };
        let settled = timeout(patience, async {
            let permit = Arc::clone(&self.in_flight).acquire_owned().await.map_err(|_| stopped())?;
            let (respond, response) = oneshot::channel();
            self.jobs.send(Job { message, respond, _permit: permit }).await.map_err(|_| stopped())?;
            response.await.map_err(|_| stopped())?
        });
        settled.await.unwrap_or_else(|_| Err(self.late(name.clone(), patience)))
    }

    fn late(&self, message: String, waited: Duration) -> PublishError {
        match self.state.borrow().clone() {
            LaneState::Open => PublishError::Timeout { message, waited },
            LaneState::Blocked(reason) => PublishError::Blocked { message, reason, waited },
            LaneState::Connecting(reason) => PublishError::Disconnected { message, reason, waited },
        }
    }
}

//! Keeps the consuming side of a service alive.
//!
//! A *generation* is one connection with its channels and consumers. When any part of it dies (the connection, a
//! channel, a consumer that the broker cancelled) all of it is dropped and built again from what was intended,
//! with a jittered backoff and without a limit of attempts. The client's own recovery stays off: it can end in a
//! connection that looks alive and delivers nothing.

use std::convert::Infallible;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rand::RngExt as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::BrokerError;
use super::backoff::Backoff;
use super::care::Care;
use super::connection::{Broker, Connected};
use super::declare::declare;
use super::ends::Ends;
use super::link::{Change, Link, Loss};
use super::renewal::leave;
use super::source::{Origin, Source};
use super::tls::RENEWING;
use crate::telemetry::{Mentions, Metrics};
use crate::topology::Topology;

/// How long the broker may take for one declare and for one subscription: a queue that gets a new leader at this moment may never
/// answer, and the next attempt has to come within 5 s. When it took longer, twice as long at the next attempt, up to the most.
const PATIENCE: Duration = Duration::from_secs(2);
const MOST_PATIENCE: Duration = Duration::from_secs(24);
/// Between two attempts to make again what was found missing.
const MEND_PAUSE: Duration = Duration::from_secs(1);
/// How long handlers may take to end before a connection is renewed; then they go on without it, and their messages come again.
const RENEWAL: Duration = Duration::from_secs(30);
/// How long consumers may take to notice that their connection is gone. Then they are dropped; handlers go on all the same.
const ENDING: Duration = Duration::from_secs(1);
/// Some poisoned messages, one after the other, are given up by their queue before they have broken so many connections in a row.
const POISONED_LIMIT: u32 = 100;

/// What the supervisor keeps alive.
pub(crate) struct Supervisor {
    pub(crate) broker: Arc<Broker>,
    pub(crate) topology: Topology,
    pub(crate) sources: Vec<Arc<Source>>,
    pub(crate) metrics: Arc<Metrics>,
    /// Where it stands, for readiness.
    pub(crate) phase: watch::Sender<Phase>,
    /// Becomes true once, when everything the service owns exists.
    pub(crate) declared: watch::Sender<bool>,
    /// Becomes the deadline once the service shall drain.
    pub(crate) drain: watch::Receiver<Option<Instant>>,
    /// Becomes the deadline once the sources that stay until the end shall end too.
    pub(crate) release: watch::Receiver<Option<Instant>>,
}

/// Where the consuming side stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not consuming, and why.
    Waiting(String),
    Consuming,
    /// Nothing is taken from the work queues any more, and what was taken is dealt with.
    Drained,
    Stopped,
}

/// One attempt to have everything on the broker.
#[derive(Clone, Copy)]
struct Attempt {
    /// Generations that consumed before it.
    after: u64,
    /// How long the broker may take for one answer.
    patience: Duration,
}

enum Ending {
    Drained,
    /// What was begun is done, and certificates have changed.
    Renewed,
    Lost(BrokerError),
}

impl Supervisor {
    /// Runs until the service has drained.
    ///
    /// # Errors
    ///
    /// When the very first attempts fail in a way that needs an operator. Later such trouble is logged and tried again:
    /// a service that runs must survive a rotation of passwords.
    pub(crate) async fn run(mut self) -> Result<(), BrokerError> {
        let care = Arc::new(Care::default());
        let mut backoff = Backoff::default();
        let mut mentions = Mentions::default();
        let mut patience = PATIENCE;
        let mut generation = 0_u64;
        loop {
            let since = Instant::now();
            let error = match self.generation(&care, Attempt { after: generation, patience }).await {
                Ending::Drained => {
                    self.enter(Phase::Stopped);
                    return Ok(());
                }
                Ending::Renewed => {
                    generation += 1;
                    backoff = Backoff::default();
                    tracing::info!("{RENEWING}");
                    self.enter(Phase::Waiting(RENEWING.to_owned()));
                    continue;
                }
                Ending::Lost(error) => error,
            };
            let was_up = *self.phase.borrow() == Phase::Consuming;
            if was_up {
                generation += 1;
                if since.elapsed() > Duration::from_secs(5) {
                    backoff = Backoff::default();
                }
            } else {
                self.metrics.failed_attempt("consume");
            }
            if !was_up && generation == 0 && error.needs_an_operator() {
                self.enter(Phase::Stopped);
                return Err(error);
            }
            patience = after(&error, patience);
            // While a message breaks connection after connection it is not the broker that needs time: the sooner it is
            // delivered as often as its queue allows, the sooner the next one has its turn.
            if care.in_a_row().is_some_and(|broken| broken <= POISONED_LIMIT) {
                backoff = Backoff::default();
            }
            let text = error.to_string();
            if mentions.is_news(&text) {
                tracing::warn!("{text}");
            }
            self.enter(Phase::Waiting(text));
            tokio::select! {
                () = sleep(backoff.after(&error, since.elapsed())) => {}
                _ = self.drain.wait_for(Option::is_some) => {}
            }
            if self.drain.borrow().is_some() {
                self.enter(Phase::Stopped);
                return Ok(());
            }
        }
    }

    fn enter(&self, phase: Phase) {
        self.metrics.consuming(phase == Phase::Consuming);
        self.phase.send_replace(phase);
    }

    async fn generation(&mut self, care: &Arc<Care>, attempt: Attempt) -> Ending {
        if let Err(error) = self.broker.declare(&self.topology, attempt.patience).await {
            return Ending::Lost(error);
        }
        self.declared.send_replace(true);
        if self.sources.is_empty() {
            self.enter(Phase::Consuming);
            let mut drain = self.drain.clone();
            tokio::select! {
                _ = drain.wait_for(Option::is_some) => return Ending::Drained,
                never = self.mend() => match never {},
            }
        }
        let connection = match self.broker.consuming().await {
            Ok(connection) => Arc::new(connection),
            Err(error) => return Ending::Lost(error),
        };
        let mut running = JoinSet::new();
        let ending = match self.queues(&connection, attempt.patience).await {
            Ok(queues) => self.consume(&connection, queues, care, attempt, &mut running).await,
            Err(error) => Ending::Lost(error),
        };
        connection.close().await;
        // Without their connection the consumers end by themselves and leave their handlers running: a handler that
        // is cut off between its commit and its publish would have to be run again.
        let _ = timeout(ENDING, async { while running.join_next().await.is_some() {} }).await;
        ending
    }

    /// Makes again what was found missing while everything else goes on: a copy of a failed message finds no place before.
    async fn mend(&self) -> Infallible {
        let mut mentions = Mentions::default();
        let mut patience = PATIENCE;
        loop {
            self.broker.missing().await;
            match self.broker.declare(&self.topology, patience).await {
                Ok(()) => {
                    patience = PATIENCE;
                    self.metrics.declared_again();
                }
                Err(error) => {
                    patience = after(&error, patience);
                    if mentions.is_news(&error.to_string()) {
                        tracing::warn!(%error, "what is missing could not be made again");
                    }
                }
            }
            sleep(MEND_PAUSE).await;
        }
    }

    /// Ends once nobody waits any more for what comes to the sources that stay.
    fn leave(&self) -> BoxFuture<'static, ()> {
        let retire: Vec<_> = self.sources.iter().filter_map(|source| source.retire.clone()).collect();
        async move { leave(retire.iter()).await }.boxed()
    }

    /// The queue of each source. Those that belong to the connection are declared on it.
    async fn queues(&self, connection: &Connected, patience: Duration) -> Result<Vec<String>, BrokerError> {
        let word = format!("{:08x}", rand::rng().random::<u32>());
        let mut queues = Vec::new();
        for source in &self.sources {
            match &source.origin {
                Origin::Queue(name) | Origin::Log { queue: name, .. } => queues.push(name.clone()),
                Origin::Exclusive(topology) => {
                    let topology = topology(&word);
                    declare(connection, self.broker.address(), &topology, patience).await?;
                    queues.extend(topology.queues.into_iter().map(|queue| queue.name));
                }
            }
        }
        Ok(queues)
    }

    async fn consume(
        &self,
        connection: &Arc<Connected>,
        queues: Vec<String>,
        care: &Arc<Care>,
        attempt: Attempt,
        running: &mut JoinSet<Result<(), Loss>>,
    ) -> Ending {
        let (started, mut starts) = mpsc::channel(self.sources.len());
        let ends = Ends::of(&self.drain, &self.release);
        for (source, queue) in self.sources.iter().zip(queues) {
            let (source, connection) = (Arc::clone(source), Arc::clone(connection));
            let until = ends.of_source(source.stays);
            running.spawn(source.run(connection, queue, Arc::clone(care), attempt.patience, until, started.clone()));
        }
        let mut working = self.sources.iter().filter(|source| !source.stays).count();
        let mut drain = self.drain.clone();
        let mut waiting = self.sources.len();
        let mut link = Link::new(connection);
        let mut mend = pin!(self.mend());
        let mut following = pin!(ends.follow(self.drain.clone(), self.release.clone()));
        let mut renewed = pin!(connection.renewed());
        // Until when what was begun may end, once the certificates have changed.
        let mut renewal: Option<Instant> = None;
        let mut leaving = None;
        let mut left = false;
        loop {
            if renewal.is_some() && working == 0 && leaving.is_none() {
                leaving = Some(self.leave());
            }
            tokio::select! {
                never = &mut following => match never {},
                () = &mut renewed, if renewal.is_none() => {
                    tracing::info!("certificates have changed: what was begun is finished first");
                    renewal = Some(Instant::now() + RENEWAL);
                    ends.drain();
                }
                () = ended(&mut leaving), if !left => {
                    left = true;
                    ends.release();
                }
                () = at(renewal), if self.drain.borrow().is_none() => return Ending::Renewed,
                Some(()) = starts.recv(), if waiting > 0 => {
                    waiting -= 1;
                    if waiting == 0 {
                        if attempt.after > 0 {
                            self.metrics.reconnected("consume");
                        }
                        self.enter(Phase::Consuming);
                    }
                }
                never = &mut mend => match never {},
                ended = running.join_next() => match ended {
                    None if renewal.is_some() && self.drain.borrow().is_none() => return Ending::Renewed,
                    None => return Ending::Drained,
                    Some(Ok(Ok(()))) => working = working.saturating_sub(1),
                    Some(Ok(Err(loss))) => return lost(loss, connection, care),
                    Some(Err(panic)) => return Ending::Lost(BrokerError::Lost(format!("a consumer ended: {panic}"))),
                },
                _ = drain.wait_for(Option::is_some), if working == 0 && *self.phase.borrow() != Phase::Drained => {
                    self.enter(Phase::Drained);
                }
                change = link.next(connection) => if let Change::Lost(loss) = change {
                    return lost(loss, connection, care);
                },
            }
        }
    }
}

async fn ended(future: &mut Option<BoxFuture<'static, ()>>) {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}

/// Ends at this time, if there is one.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

/// How long the broker may take at the next attempt.
fn after(error: &BrokerError, patience: Duration) -> Duration {
    match error {
        BrokerError::Late { .. } => (patience * 2).min(MOST_PATIENCE),
        _ => PATIENCE,
    }
}

fn lost(loss: Loss, connection: &Connected, care: &Care) -> Ending {
    if loss.poison || connection.ended_over_a_message() {
        care.broken();
    }
    Ending::Lost(loss.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_answers_late_gets_more_time_at_each_attempt_and_others_get_no_more() {
        let late = BrokerError::Late { what: "queue orders.q".into(), waited: PATIENCE };
        let mut patience = PATIENCE;
        for longer in [4, 8, 16, 24, 24] {
            patience = after(&late, patience);
            assert_eq!(patience, Duration::from_secs(longer));
        }
        assert_eq!(after(&BrokerError::Lost("cut".into()), patience), PATIENCE);
    }
}

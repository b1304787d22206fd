//! A publishing lane: one task that owns one confirming channel.
//!
//! Two tasks that publish on one channel of the client get each other's confirms, so nobody else ever touches the
//! channel. The task polls many publishes in order before it awaits any confirm, and settles what is ready together:
//! the client attaches a returned message to *some* confirm that is not later than its own, so returns are matched
//! by what the message says and not by the confirm they came with.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::protocol::{AMQPErrorKind, AMQPHardError};
use lapin::{Channel, Confirmation, Connection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::Outgoing;
use super::connection::{Broker, close};
use super::error::protocol;
use super::link::{Change, Link};
use super::properties::Wire;
use super::publish_error::PublishError;
use super::supervisor::Backoff;

/// The broker's answer to a `multiple` confirm makes the client scan all that is pending: stay below about 1,000.
pub(crate) const WINDOW: usize = 512;
const CHANNEL_TIMEOUT: Duration = Duration::from_secs(10);
/// A confirm that is later than this, on a connection that is not blocked, never comes.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(30);
/// Replies through `amq.rabbitmq.reply-to` come back as unroutable on 3.10 although they are delivered.
const DIRECT_REPLY_TO: &str = "amq.rabbitmq.reply-to";

/// A handle to the lane's task. The task ends, after the last confirm, when every handle is gone.
#[derive(Debug, Clone)]
pub(crate) struct Lane {
    jobs: mpsc::Sender<Job>,
    in_flight: Arc<Semaphore>,
    state: watch::Receiver<LaneState>,
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
pub(crate) struct Settled {
    /// Whether any queue took it.
    pub(crate) routed: bool,
}

#[derive(Debug)]
struct Job {
    message: Message,
    respond: oneshot::Sender<Result<Settled, PublishError>>,
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug, Clone)]
struct Message(Arc<Outgoing>);

/// Names a returned message. Equal ones route alike, so it does not matter which of them a return is counted for.
type ReturnKey = (String, String, String);

impl Message {
    fn name(&self) -> String {
        self.0.properties.kind.clone().unwrap_or_else(|| self.0.routing_key.clone())
    }

    fn return_key(&self) -> ReturnKey {
        let id = self.0.properties.message_id.clone().unwrap_or_default();
        (id, self.0.exchange.clone(), self.0.routing_key.clone())
    }
}

impl Lane {
    /// Starts the lane. It connects once `declared` says that the service's exchanges exist.
    pub(crate) fn start(
        broker: Arc<Broker>,
        declared: watch::Receiver<bool>,
        in_flight: usize,
    ) -> (Self, JoinHandle<()>) {
        let (jobs, receiver) = mpsc::channel(in_flight);
        let (state, watched) = watch::channel(LaneState::Connecting("not connected yet".into()));
        let work =
            Work { broker, declared, jobs: receiver, state, unsettled: BTreeMap::new(), next: 0, careful_until: None };
        let lane = Self { jobs, in_flight: Arc::new(Semaphore::new(in_flight)), state: watched };
        (lane, tokio::spawn(work.run()))
    }

    pub(crate) fn state(&self) -> watch::Receiver<LaneState> {
        self.state.clone()
    }

    /// Publishes and waits for the confirm, at most so long.
    ///
    /// Dropping the future does not recall the message.
    pub(crate) async fn publish(&self, outgoing: Outgoing, patience: Duration) -> Result<Settled, PublishError> {
        let message = Message(Arc::new(outgoing));
        let name = message.name();
        let deadline = Instant::now() + patience;
        let stopped = || PublishError::Stopped { message: name.clone() };
        let settled = timeout_at(deadline, async {
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

struct Work {
    broker: Arc<Broker>,
    declared: watch::Receiver<bool>,
    jobs: mpsc::Receiver<Job>,
    state: watch::Sender<LaneState>,
    /// What has been taken and not settled, in the order in which it was taken. It is sent again on the next channel.
    unsettled: BTreeMap<u64, Job>,
    next: u64,
    /// Up to this message one at a time: one of them made the broker close the channel.
    careful_until: Option<u64>,
}

/// Why a channel can no longer be used.
enum End {
    /// Every handle is gone and everything is settled.
    Finished,
    Channel(lapin::Error),
    Connection(String),
}

impl Work {
    async fn run(mut self) {
        if self.declared.wait_for(|declared| *declared).await.is_err() {
            return;
        }
        let mut backoff = Backoff::default();
        loop {
            self.forget_abandoned();
            if self.jobs.is_closed() && self.unsettled.is_empty() && self.jobs.is_empty() {
                return;
            }
            let reason = match self.broker.publishing().await {
                Ok(pooled) => {
                    let since = Instant::now();
                    match self.serve(&pooled).await {
                        None => return close(&pooled).await,
                        Some(reason) => {
                            if since.elapsed() > Duration::from_secs(5) {
                                backoff = Backoff::default();
                            }
                            // A broken connection does not go back into the pool.
                            let broken = deadpool_lapin::Object::take(pooled);
                            close(&broken).await;
                            reason
                        }
                    }
                }
                Err(error) => error.to_string(),
            };
            tracing::debug!(reason, "the publishing connection is down");
            self.state.send_replace(LaneState::Connecting(reason));
            sleep(backoff.next()).await;
        }
    }

    /// Publishes on one connection, channel after channel. `None` when all is done, or why the connection is of no use.
    async fn serve(&mut self, connection: &Connection) -> Option<String> {
        let mut link = Link::new(connection);
        loop {
            let open = async {
                let channel = connection.create_channel().await?;
                channel.confirm_select(ConfirmSelectOptions::default()).await?;
                Ok::<_, lapin::Error>(channel)
            };
            let channel = match timeout(CHANNEL_TIMEOUT, open).await {
                Ok(Ok(channel)) => channel,
                Ok(Err(error)) => return Some(error.to_string()),
                Err(_) => return Some("the broker opened no channel in time".into()),
            };
            self.state.send_replace(LaneState::Open);
            match self.pump(connection, &channel, &mut link).await {
                End::Finished => {
                    let _ = timeout(CHANNEL_TIMEOUT, channel.close(200, "done".into())).await;
                    return None;
                }
                End::Channel(error) if connection.status().connected() => {
                    tracing::debug!(%error, "a publishing channel ended")
                }
                End::Channel(error) => return Some(error.to_string()),
                End::Connection(reason) => return Some(reason),
            }
        }
    }

    /// Publishes on one channel until it ends.
    async fn pump(&mut self, connection: &Connection, channel: &Channel, link: &mut Link) -> End {
        let mut again: VecDeque<u64> = self.unsettled.keys().copied().collect();
        let mut in_flight = FuturesUnordered::new();
        let mut returned: HashMap<ReturnKey, usize> = HashMap::new();
        let mut blocked = connection.status().blocked();
        let mut last_progress = Instant::now();
        let mut finishing = false;
        loop {
            while in_flight.len() < self.window() {
                let Some(number) = again.pop_front().or_else(|| self.take(&mut finishing)) else { break };
                if let Some(message) = self.wanted(number) {
                    if in_flight.is_empty() {
                        last_progress = Instant::now();
                    }
                    in_flight.push(send(channel.clone(), number, message));
                }
            }
            if finishing && self.unsettled.is_empty() {
                return End::Finished;
            }
            let room = in_flight.len() < self.window() && again.is_empty() && !finishing;
            tokio::select! {
                biased;
                Some(first) = in_flight.next(), if !in_flight.is_empty() => {
                    let mut batch = vec![first];
                    // The client may yield early; a few rounds find everything that is ready.
                    for _ in 0..3 {
                        while let Some(Some(sent)) = in_flight.next().now_or_never() {
                            batch.push(sent);
                        }
                    }
                    last_progress = Instant::now();
                    if let Some(error) = self.settle(batch, &mut returned) {
                        // The other futures fail with it; what they carried stays in `unsettled`.
                        return self.failed(error);
                    }
                }
                job = self.jobs.recv(), if room => match job {
                    Some(job) => again.extend(self.accept(job)),
                    None => finishing = true,
                },
                change = link.next(connection) => match change {
                    Change::Blocked(reason) => {
                        blocked = true;
                        tracing::warn!(reason, "the broker takes no messages for now");
                        self.state.send_replace(LaneState::Blocked(reason));
                    }
                    Change::Unblocked => {
                        blocked = false;
                        last_progress = Instant::now();
                        tracing::info!("the broker takes messages again");
                        self.state.send_replace(LaneState::Open);
                    }
                    Change::Lost(loss) => return End::Connection(loss.reason),
                },
                () = sleep(CONFIRM_TIMEOUT.saturating_sub(last_progress.elapsed())), if !in_flight.is_empty() && !blocked => {
                    return End::Connection(format!("no confirm within {} s", CONFIRM_TIMEOUT.as_secs()));
                }
            }
        }
    }

    fn window(&self) -> usize {
        match (self.careful_until, self.unsettled.first_key_value()) {
            (Some(until), Some((first, _))) if *first <= until => 1,
            _ => WINDOW,
        }
    }

    /// The next job that is waiting already.
    fn take(&mut self, finishing: &mut bool) -> Option<u64> {
        match self.jobs.try_recv() {
            Ok(job) => self.accept(job),
            Err(mpsc::error::TryRecvError::Empty) => None,
            Err(mpsc::error::TryRecvError::Disconnected) => {
                *finishing = true;
                None
            }
        }
    }

    fn accept(&mut self, job: Job) -> Option<u64> {
        let number = self.next;
        self.next += 1;
        self.unsettled.insert(number, job);
        Some(number)
    }

    /// The message, unless its publisher has given up meanwhile.
    fn wanted(&mut self, number: u64) -> Option<Message> {
        let job = self.unsettled.get(&number)?;
        if job.respond.is_closed() {
            self.unsettled.remove(&number);
            return None;
        }
        Some(job.message.clone())
    }

    fn forget_abandoned(&mut self) {
        while let Ok(job) = self.jobs.try_recv() {
            self.accept(job);
        }
        self.unsettled.retain(|_, job| !job.respond.is_closed());
    }

    /// Answers the publishers of a batch. The error that ended the channel, if one did: the broker's own words if there are any.
    fn settle(&mut self, batch: Vec<Sent>, returned: &mut HashMap<ReturnKey, usize>) -> Option<lapin::Error> {
        let mut confirmed = Vec::with_capacity(batch.len());
        let mut failure: Option<lapin::Error> = None;
        for Sent { number, outcome } in batch {
            match outcome {
                Ok(confirmation) => {
                    let nacked = confirmation.is_nack();
                    if let Some(message) = confirmation.take_message() {
                        let id = message.delivery.properties.message_id().as_ref();
                        let id = id.map(|id| id.as_str().to_owned()).unwrap_or_default();
                        let delivery = &message.delivery;
                        let key = (id, delivery.exchange.as_str().to_owned(), delivery.routing_key.as_str().to_owned());
                        *returned.entry(key).or_default() += 1;
                    }
                    confirmed.push((number, nacked));
                }
                Err(Failed::Client(error)) => {
                    if failure.is_none() || protocol(&error).is_some() {
                        failure = Some(error);
                    }
                }
                Err(Failed::Encoding(reason)) => {
                    self.answer(number, |message| Err(PublishError::Encoding { message, reason }))
                }
            }
        }
        for (number, nacked) in confirmed {
            let unrouted = self
                .unsettled
                .get(&number)
                .is_some_and(|job| !returned.is_empty() && take_one(returned, &job.message.return_key()));
            self.answer(number, |message| {
                if nacked { Err(PublishError::Rejected { message }) } else { Ok(Settled { routed: !unrouted }) }
            });
        }
        failure
    }

    /// After the broker closed the channel over a message: with one in flight it is that one, otherwise all are
    /// sent again one at a time until it shows itself.
    fn failed(&mut self, error: lapin::Error) -> End {
        let Some((kind, reason)) = protocol(&error) else { return End::Channel(error) };
        if kind == AMQPErrorKind::Hard(AMQPHardError::CONNECTIONFORCED) {
            return End::Channel(error);
        }
        let alone = self.window() == 1 || self.unsettled.len() == 1;
        match self.unsettled.first_key_value().map(|(number, _)| *number) {
            Some(first) if alone => {
                self.answer(first, |message| Err(PublishError::Refused { message, reason }));
            }
            _ => self.careful_until = self.unsettled.last_key_value().map(|(number, _)| *number),
        }
        End::Channel(error)
    }

    fn answer(&mut self, number: u64, with: impl FnOnce(String) -> Result<Settled, PublishError>) {
        if let Some(Job { message, respond, .. }) = self.unsettled.remove(&number) {
            let _the_publisher_may_have_given_up = respond.send(with(message.name()));
        }
    }
}

struct Sent {
    number: u64,
    outcome: Result<Confirmation, Failed>,
}

enum Failed {
    Client(lapin::Error),
    Encoding(String),
}

async fn send(channel: Channel, number: u64, message: Message) -> Sent {
    let outcome = async {
        let Wire { exchange, routing_key, properties } =
            Wire::of(&message.0).map_err(|error| Failed::Encoding(error.to_string()))?;
        let options = BasicPublishOptions {
            mandatory: !message.0.routing_key.starts_with(DIRECT_REPLY_TO),
            ..Default::default()
        };
        let publish = channel.basic_publish(exchange, routing_key, options, &message.0.body, properties);
        publish.await.map_err(Failed::Client)?.await.map_err(Failed::Client)
    };
    Sent { number, outcome: outcome.await }
}

fn take_one(returned: &mut HashMap<ReturnKey, usize>, key: &ReturnKey) -> bool {
    let Some(count) = returned.get_mut(key) else { return false };
    *count -= 1;
    if *count == 0 {
        returned.remove(key);
    }
    true
}

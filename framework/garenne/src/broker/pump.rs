//! The task of a publishing lane, which owns one confirming channel.
//!
//! Two tasks that publish on one channel of the client get each other's confirms, so nobody else ever touches the
//! channel. The task polls many publishes in order before it awaits any confirm, and settles what is ready together:
//! the client attaches a returned message to *some* confirm that is not later than its own, so returns are matched
//! by what the message says and not by the confirm they came with.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use lapin::Channel;
use lapin::options::ConfirmSelectOptions;
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use super::BrokerError;
use super::asides::{Aside, Asides};
use super::backoff::Backoff;
use super::connection::{Broker, Connected};
use super::direct::{Direct, DirectReplies, hear};
use super::error::{is_nobodys_fault, protocol};
use super::flight::{Flight, Sent};
use super::lane::{Confirmed, Job, LaneState, Message, closed};
use super::link::{Change, Link};
use super::progress::{CONFIRM_TIMEOUT, Progress};
use super::properties::Wire;
use super::publish_error::PublishError;
use super::returns::Returns;
use super::sending::publish;
use super::tls::RENEWING;
use crate::telemetry::{Mentions, Metrics};

/// The broker's answer to a `multiple` confirm makes the client scan all that is pending: stay below about 1,000.
pub(crate) const WINDOW: usize = 512;
const CHANNEL_TIMEOUT: Duration = Duration::from_secs(5);

/// The lane's side that talks to the broker.
pub(super) struct Pump {
    broker: Arc<Broker>,
    declared: watch::Receiver<bool>,
    jobs: mpsc::Receiver<Job>,
    state: watch::Sender<LaneState>,
    closing: watch::Receiver<bool>,
    metrics: Arc<Metrics>,
    /// Who hears the replies to what is published here.
    direct: Option<Arc<Direct>>,
    /// What has been taken and not settled, in the order in which it was taken. It is sent again on the next channel.
    unsettled: BTreeMap<u64, Job>,
    next: u64,
    /// Whether the broker has answered for any message on this connection.
    settled_any: bool,
    /// Every message before this one was sent at least once.
    sent: u64,
    /// Up to this message one at a time: one of them made the broker close the channel.
    careful_until: Option<u64>,
}

/// What a connection was good for.
enum Served {
    All,
    UntilRenewed,
}

/// Why a channel can no longer be used.
enum End {
    /// The lane is closed and everything is settled.
    Finished,
    /// Everything that was sent is settled, and certificates have changed.
    Renewed,
    Channel(lapin::Error),
    Connection(BrokerError),
}

impl Pump {
    pub(super) fn new(
        broker: Arc<Broker>,
        declared: watch::Receiver<bool>,
        jobs: mpsc::Receiver<Job>,
        state: watch::Sender<LaneState>,
        closing: watch::Receiver<bool>,
        metrics: Arc<Metrics>,
        direct: Option<Direct>,
    ) -> Self {
        Self {
            broker,
            declared,
            jobs,
            state,
            closing,
            metrics,
            direct: direct.map(Arc::new),
            unsettled: BTreeMap::new(),
            next: 0,
            settled_any: false,
            sent: 0,
            careful_until: None,
        }
    }

    pub(super) async fn run(mut self) {
        if self.declared.wait_for(|declared| *declared).await.is_err() {
            return;
        }
        let mut backoff = Backoff::default();
        let mut mentions = Mentions::default();
        let mut connected_before = false;
        loop {
            self.forget_abandoned();
            if self.jobs.is_closed() && self.unsettled.is_empty() && self.jobs.is_empty() {
                return;
            }
            let began = Instant::now();
            let error = match self.connect().await {
                Ok(connection) => {
                    if std::mem::replace(&mut connected_before, true) {
                        self.metrics.reconnected(self.role());
                    }
                    let ended = self.serve(&connection).await;
                    connection.close().await;
                    if std::mem::take(&mut self.settled_any) || ended.is_ok() {
                        backoff = Backoff::default();
                    }
                    match ended {
                        Ok(Served::All) => return,
                        Ok(Served::UntilRenewed) => {
                            self.enter(LaneState::Connecting(RENEWING.into()));
                            continue;
                        }
                        Err(error) => error,
                    }
                }
                Err(error) => {
                    self.metrics.failed_attempt(self.role());
                    error
                }
            };
            let reason = error.to_string();
            if mentions.is_news(&reason) {
                tracing::warn!(waiting = self.unsettled.len(), "nothing can be published: {reason}");
            }
            self.enter(LaneState::Connecting(reason));
            tokio::select! {
                () = sleep(backoff.after(&error, began.elapsed())) => {}
                () = closed(&mut self.closing), if !self.jobs.is_closed() => self.jobs.close(),
            }
        }
    }

    async fn connect(&self) -> Result<Connected, BrokerError> {
        if self.direct.is_some() { self.broker.asking().await } else { self.broker.publishing().await }
    }

    fn role(&self) -> &'static str {
        if self.direct.is_some() { "ask" } else { "publish" }
    }

    fn enter(&self, state: LaneState) {
        if self.direct.is_none() {
            self.metrics.publishing(state == LaneState::Open);
        }
        self.state.send_replace(state);
    }

    /// Publishes on one connection, channel after channel.
    async fn serve(&mut self, connection: &Connected) -> Result<Served, BrokerError> {
        let lost = |reason: &dyn std::fmt::Display| Err(BrokerError::Lost(reason.to_string()));
        let mut link = Link::new(connection);
        loop {
            let open = async {
                let channel = connection.create_channel().await?;
                channel.confirm_select(ConfirmSelectOptions::default()).await?;
                let replies = match self.direct.clone() {
                    Some(direct) => Some(DirectReplies::subscribe(&channel, direct).await?),
                    None => None,
                };
                Ok::<_, lapin::Error>((channel, replies))
            };
            let opened = tokio::select! {
                opened = timeout(CHANNEL_TIMEOUT, open) => opened,
                () = connection.lost() => return lost(&"it ended while a channel was opened"),
            };
            let (channel, replies) = match opened {
                Ok(Ok(opened)) => opened,
                Ok(Err(error)) => return lost(&error),
                Err(_) => return lost(&"the broker opened no channel in time"),
            };
            if !connection.status().blocked() {
                self.enter(LaneState::Open);
            }
            match self.pump(connection, &channel, &mut link, replies).await {
                end @ (End::Finished | End::Renewed) => {
                    let _ = timeout(CHANNEL_TIMEOUT, channel.close(200, "done".into())).await;
                    return Ok(if matches!(end, End::Renewed) { Served::UntilRenewed } else { Served::All });
                }
                End::Channel(error) if connection.status().connected() => {
                    tracing::debug!(%error, "a publishing channel ended");
                }
                End::Channel(error) => return lost(&error),
                End::Connection(error) => return Err(error),
            }
        }
    }

    /// Publishes on one channel until it ends.
    async fn pump(
        &mut self,
        connection: &Connected,
        channel: &Channel,
        link: &mut Link,
        mut replies: Option<DirectReplies>,
    ) -> End {
        self.metrics.sent_again(self.unsettled.range(..self.sent).count());
        let mut again: VecDeque<u64> = self.unsettled.keys().copied().collect();
        let mut flight = Flight::new(|| channel.wait_for_confirms());
        let mut returns = Returns::default();
        let mut blocked = connection.status().blocked();
        let mut progress = Progress::begin();
        let mut finishing = false;
        let mut renewing = false;
        let retire = self.direct.as_ref().map(|direct| Arc::clone(&direct.retire));
        let mut asides = Asides::of(connection, link, self.closing.clone(), retire);
        asides.at(Instant::now() + CONFIRM_TIMEOUT);
        loop {
            if renewing && flight.is_empty() {
                return End::Renewed;
            }
            while flight.len() < self.window() && !renewing {
                let Some(number) = again.pop_front().or_else(|| self.take(&mut finishing)) else { break };
                if let Some(message) = self.wanted(number) {
                    if flight.is_empty() {
                        progress.made();
                    }
                    self.sent = self.sent.max(number + 1);
                    match Wire::check(&message.0) {
                        Ok(()) => flight.send(number, || publish(channel, message)),
                        Err(error) => self.answer(number, |message| {
                            Err(PublishError::Encoding { message: message.name(), reason: error.to_string() })
                        }),
                    }
                }
            }
            if finishing && self.unsettled.is_empty() {
                return End::Finished;
            }
            if self.direct.is_some() && replies.is_none() && flight.is_empty() {
                return End::Connection(BrokerError::Lost("the replies to what it sent do not come any more".into()));
            }
            let room = flight.len() < self.window() && again.is_empty() && !finishing && !renewing;
            tokio::select! {
                biased;
                batch = flight.settled(), if !flight.is_empty() => {
                    progress.made();
                    if let Some(error) = self.resolve(batch, &mut returns) {
                        // The other futures fail with it; what they carried stays in `unsettled`.
                        return self.failed(error);
                    }
                }
                () = hear(&mut replies) => {}
                job = self.jobs.recv(), if room => match job {
                    Some(job) => again.push_back(self.accept(job)),
                    None => finishing = true,
                },
                Some(aside) = asides.next() => match aside {
                    Aside::Closed => self.jobs.close(),
                    Aside::Renewal => renewing = true,
                    Aside::Connection(Change::Blocked(reason)) => {
                        blocked = true;
                        self.metrics.blocked(&reason);
                        self.enter(LaneState::Blocked(reason));
                    }
                    Aside::Connection(Change::Unblocked) => {
                        blocked = false;
                        progress.made();
                        tracing::info!("the broker takes messages again");
                        self.enter(LaneState::Open);
                    }
                    Aside::Connection(Change::Lost(loss)) => return End::Connection(loss.error),
                    Aside::Time => match progress.deadline(!flight.is_empty() && !blocked) {
                        Some(time) => asides.at(time),
                        None => {
                            let reason = format!("no confirm within {} s", CONFIRM_TIMEOUT.as_secs());
                            return End::Connection(BrokerError::Lost(reason));
                        }
                    },
                },
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
            Ok(job) => Some(self.accept(job)),
            Err(reason) => {
                *finishing |= reason == mpsc::error::TryRecvError::Disconnected;
                None
            }
        }
    }

    fn accept(&mut self, job: Job) -> u64 {
        self.unsettled.insert(self.next, job);
        self.next += 1;
        self.next - 1
    }

    /// The message, unless its publisher has given up meanwhile.
    fn wanted(&mut self, number: u64) -> Option<Message> {
        let job = self.unsettled.get(&number)?;
        if job.is_abandoned() {
            self.unsettled.remove(&number);
            return None;
        }
        Some(job.message.clone())
    }

    fn forget_abandoned(&mut self) {
        while let Ok(job) = self.jobs.try_recv() {
            self.accept(job);
        }
        self.unsettled.retain(|_, job| !job.is_abandoned());
    }

    /// Answers the publishers of a batch. The error that ended the channel, if one did: the broker's own words if there are any.
    fn resolve(&mut self, batch: Vec<Sent>, returns: &mut Returns) -> Option<lapin::Error> {
        let mut confirmed = Vec::with_capacity(batch.len());
        let mut failure: Option<lapin::Error> = None;
        for Sent { number, outcome } in batch {
            match outcome {
                Ok(confirmation) => {
                    let nacked = confirmation.is_nack();
                    if let Some(message) = confirmation.take_message() {
                        returns.note(&message.delivery);
                    }
                    confirmed.push((number, nacked));
                }
                Err(error) => {
                    if failure.is_none() || protocol(&error).is_some() {
                        failure = Some(error);
                    }
                }
            }
        }
        self.settled_any |= !confirmed.is_empty();
        for (number, nacked) in confirmed {
            let unrouted = self.unsettled.get(&number).is_some_and(|job| returns.claim(&job.message.0));
            self.answer(number, |message| {
                if nacked {
                    Err(PublishError::Rejected { message: message.name() })
                } else {
                    Ok(Confirmed { routed: !unrouted })
                }
            });
        }
        failure
    }

    /// After the broker closed the channel over a message: with one in flight it is that one, otherwise all are
    /// sent again one at a time until it shows itself.
    fn failed(&mut self, error: lapin::Error) -> End {
        let Some((kind, reason)) = protocol(&error) else { return End::Channel(error) };
        if is_nobodys_fault(&kind) {
            return End::Channel(error);
        }
        let alone = self.window() == 1 || self.unsettled.len() == 1;
        match self.unsettled.first_key_value().map(|(number, _)| *number) {
            Some(first) if alone => {
                let exchange = self.unsettled.get(&first).map(|job| job.message.0.exchange.clone()).unwrap_or_default();
                if kind == AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND) {
                    self.broker.note_missing(&exchange);
                }
                self.answer(first, |message| {
                    Err(match kind {
                        AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND) => {
                            PublishError::NoExchange { message: message.name(), exchange }
                        }
                        _ => PublishError::Refused { message: message.name(), reason },
                    })
                });
            }
            _ => self.careful_until = self.unsettled.last_key_value().map(|(number, _)| *number),
        }
        End::Channel(error)
    }

    fn answer(&mut self, number: u64, with: impl FnOnce(&Message) -> Result<Confirmed, PublishError>) {
        if let Some(job) = self.unsettled.remove(&number) {
            job.settle(with, &self.metrics);
        }
    }
}

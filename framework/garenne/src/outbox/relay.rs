//! Publishes what was committed.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::rows::{self, Backlog, Row};
use super::turn::Turns;
use super::{Outbox, inbox, now};
use crate::broker::{LaneState, PublishError};
use crate::publisher::Publisher;
use crate::store::{Kind, Transaction};
use crate::telemetry::{Mentions, Metrics};

/// How often the outbox is looked at without being woken: for what a replica left that died between its commit and the confirm.
const LOOK: Duration = Duration::from_secs(1);
/// How often the backlog is counted.
const COUNT: Duration = Duration::from_secs(5);
/// How often the inbox is pruned.
const PRUNE: Duration = Duration::from_secs(60);
/// How long trouble with the database or the broker is waited out before the next look.
const TROUBLE: Duration = Duration::from_millis(500);
/// The wait after a message was refused for the first time; it doubles up to [`LONGEST_WAIT`](rows::LONGEST_WAIT).
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// So often a reply is tried that the broker refuses for another reason than that its exchange is gone.
const REPLY_ATTEMPTS: i64 = 5;

/// The task that publishes what stands in the outbox: in the order of the commits within each key, keys side by side, each
/// message at least once and with the id it was given when it was written.
///
/// Replicas share the work. On PostgreSQL each takes keys that no other one has; on SQLite they take turns. What a replica has
/// taken is free again the moment that its process, or its connection to the database, ends.
pub(crate) struct Relay {
    outbox: Outbox,
    publisher: Publisher,
    metrics: Arc<Metrics>,
    /// How long it is remembered that a message was handled.
    memory: Duration,
    /// On SQLite, who is at it.
    turns: Option<Turns>,
    /// By position, ids of messages that the broker has confirmed and whose removal the database did not take. They are not sent
    /// again with each try to remove them.
    unremoved: Mutex<BTreeMap<i64, String>>,
}

/// Why a batch came to nothing or not to its end.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the outbox cannot be read or written: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the file by which replicas take turns cannot be locked: {0}")]
    Turn(#[from] io::Error),
    #[error("the broker is away: {0}")]
    Broker(PublishError),
}

/// What became of the messages of one batch.
#[derive(Default)]
struct Sent {
    confirmed: Vec<Row>,
    refused: Vec<(Row, PublishError)>,
    /// The broker could not be asked, or did not answer.
    away: Option<PublishError>,
}

impl Relay {
    /// # Errors
    ///
    /// When the file beside a SQLite database cannot be made.
    pub(crate) fn new(
        outbox: Outbox,
        publisher: Publisher,
        metrics: Arc<Metrics>,
        memory: Duration,
    ) -> io::Result<Self> {
        let turns = match outbox.store.kind() {
            Kind::Sqlite { file } => Some(Turns::beside(file)?),
            Kind::Postgres => None,
        };
        Ok(Self { outbox, publisher, metrics, memory, turns, unremoved: Mutex::default() })
    }

    /// Runs until the handlers have ended, which `release` tells, and then publishes what they have left. What the broker does not
    /// take now is safe where it is: another replica publishes it, or this one when it starts again.
    pub(crate) async fn run(self, mut release: watch::Receiver<Option<Instant>>) {
        let mut lane = self.publisher.lane().state();
        let (mut count, mut prune, mut mentions) = (Instant::now(), Instant::now(), Mentions::default());
        loop {
            let last = release.borrow_and_update().is_some();
            let open = *lane.borrow_and_update() == LaneState::Open;
            let relayed = if open { self.relay().await } else { Ok(()) };
            let now = Instant::now();
            if let Err(trouble) = &relayed
                && mentions.is_news(&trouble.to_string())
            {
                tracing::warn!(%trouble, "committed messages wait");
            }
            if last {
                return;
            }
            if now >= count {
                count = now + COUNT;
                self.count().await;
            }
            if now >= prune {
                prune = now + PRUNE;
                self.prune().await;
            }
            let patience = if relayed.is_ok() { LOOK } else { TROUBLE };
            tokio::select! {
                () = self.outbox.committed.notified(), if relayed.is_ok() && open => {}
                () = sleep(patience) => {}
                Ok(()) = lane.changed(), if !open => {}
                Ok(()) = release.changed() => {}
            }
        }
    }

    /// Publishes until nothing is left that may be published now.
    async fn relay(&self) -> Result<(), Trouble> {
        loop {
            let taken = match &self.turns {
                Some(turns) => {
                    let _turn = turns.take().await?;
                    self.batch_of_sqlite().await?
                }
                None => self.batch_of_postgres().await?,
            };
            if taken == 0 {
                // Nothing is left to be removed, or another replica is at it.
                self.unremoved().clear();
                return Ok(());
            }
        }
    }

    /// The locks on the rows are held by the transaction, and so until what was confirmed is removed.
    async fn batch_of_postgres(&self) -> Result<usize, Trouble> {
        let mut transaction = self.outbox.store.write().await?;
        let rows = rows::next(&mut transaction, self.outbox.store.kind(), now()).await?;
        let taken = rows.len();
        let sent = self.send(rows).await;
        self.settle(async { Ok(transaction) }, &sent).await?;
        sent.away.map_or(Ok(taken), |error| Err(Trouble::Broker(error)))
    }

    /// Nothing is locked while the broker is waited for: a file has one writer, and handlers need it.
    async fn batch_of_sqlite(&self) -> Result<usize, Trouble> {
        let store = &self.outbox.store;
        let mut connection = store.pool().acquire().await?;
        let rows = rows::next(&mut connection, store.kind(), now()).await?;
        drop(connection);
        let taken = rows.len();
        if taken == 0 {
            return Ok(0);
        }
        let sent = self.send(rows).await;
        self.settle(store.write(), &sent).await?;
        sent.away.map_or(Ok(taken), |error| Err(Trouble::Broker(error)))
    }

    /// Publishes the messages of each key one after the other, and the keys side by side.
    async fn send(&self, rows: Vec<Row>) -> Sent {
        let mut keys: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in rows {
            keys.entry(row.key.clone()).or_default().push(row);
        }
        let all = join_all(keys.into_values().map(|rows| self.send_in_order(rows))).await;
        all.into_iter().fold(Sent::default(), |mut sum, sent| {
            sum.confirmed.extend(sent.confirmed);
            sum.refused.extend(sent.refused);
            sum.away = sum.away.or(sent.away);
            sum
        })
    }

    /// Ends at the first message that is not confirmed: what follows must not overtake it.
    async fn send_in_order(&self, rows: Vec<Row>) -> Sent {
        let mut sent = Sent::default();
        for row in rows {
            if self.unremoved().get(&row.position).is_some_and(|id| id == row.message_id()) {
                sent.confirmed.push(row);
                continue;
            }
            match self.publisher.relay(row.outgoing.clone()).await {
                Ok(settled) if !settled.routed && row.needs_a_queue() => {
                    let message = row.outgoing.name().to_owned();
                    sent.refused.push((row, PublishError::NobodyThere { message }));
                    break;
                }
                Ok(_) => sent.confirmed.push(row),
                Err(error) if error.is_the_brokers_absence() => {
                    sent.away = Some(error);
                    break;
                }
                // A reply is for its caller alone, who waits no longer when its exchange is gone; nobody else misses it.
                Err(error) if row.is_reply() && is_given_up(&error, row.attempts) => {
                    tracing::info!(%error, "a reply has nowhere to go");
                    sent.confirmed.push(row);
                }
                Err(error) => {
                    sent.refused.push((row, error));
                    break;
                }
            }
        }
        sent
    }

    /// Removes what was confirmed and puts off what was refused, in this transaction. What could not be removed is remembered.
    async fn settle(
        &self,
        transaction: impl Future<Output = Result<Transaction, sqlx::Error>>,
        sent: &Sent,
    ) -> Result<(), sqlx::Error> {
        let settled = async { self.write(transaction.await?, sent).await }.await;
        let mut unremoved = self.unremoved();
        match &settled {
            Ok(()) => sent.confirmed.iter().for_each(|row| drop(unremoved.remove(&row.position))),
            Err(_) => unremoved.extend(sent.confirmed.iter().map(|row| (row.position, row.message_id().to_owned()))),
        }
        settled
    }

    async fn write(&self, mut transaction: Transaction, sent: &Sent) -> Result<(), sqlx::Error> {
        rows::remove(&mut transaction, &sent.confirmed).await?;
        for (row, error) in &sent.refused {
            let text = error.to_string();
            self.metrics.outbox_refused(row.message_id(), row.attempts + 1, &text);
            rows::postpone(&mut transaction, row.position, now() + wait(row.attempts), &text).await?;
        }
        transaction.commit().await
    }

    fn unremoved(&self) -> MutexGuard<'_, BTreeMap<i64, String>> {
        self.unremoved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn count(&self) {
        let counted = async {
            let mut connection = self.outbox.store.pool().acquire().await?;
            rows::backlog(&mut connection).await
        };
        match counted.await {
            Ok(Backlog { messages, oldest }) => {
                let age = oldest.map_or(0, |oldest| now().saturating_sub(oldest));
                self.metrics.outbox(messages, Duration::from_millis(age.unsigned_abs()));
            }
            Err(error) => tracing::warn!(%error, "the outbox cannot be counted"),
        }
    }

    async fn prune(&self) {
        if let Err(error) = inbox::prune(&self.outbox.store, self.memory).await {
            tracing::warn!(%error, "the inbox cannot be pruned; it is tried again in {} s", PRUNE.as_secs());
        }
    }
}

/// Whether a reply that was refused so often before is dropped now. Where its exchange is gone, so is its caller; anything else
/// may be the broker's trouble.
fn is_given_up(error: &PublishError, attempts: i64) -> bool {
    matches!(error, PublishError::NoExchange { .. } | PublishError::Encoding { .. }) || attempts + 1 >= REPLY_ATTEMPTS
}

/// How long a message that was refused so often before is put off, in milliseconds.
fn wait(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts).unwrap_or(u32::MAX).min(16);
    let wait = FIRST_WAIT.saturating_mul(1 << doublings).min(rows::LONGEST_WAIT);
    i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{PublishError, is_given_up, wait};

    #[test]
    fn a_reply_is_dropped_when_its_exchange_is_gone_or_after_some_attempts() {
        let gone = PublishError::NoExchange { message: "r".into(), exchange: "x.replies".into() };
        let full = PublishError::Rejected { message: "r".into() };
        assert!(is_given_up(&gone, 0) && !is_given_up(&full, 0) && is_given_up(&full, 4));
    }

    #[test]
    fn a_refused_message_waits_longer_each_time_and_at_most_half_a_minute() {
        let waits: Vec<i64> = [0, 1, 2, 7, 8, 1_000_000].map(wait).to_vec();
        assert_eq!(waits, [200, 400, 800, 25_600, 30_000, 30_000]);
    }
}

//! Reads one log: page by page, each with its place in one transaction.

use std::fmt::Display;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::beginning::Covered;
use super::place::{self, Move, Place};
use super::{Logged, Page, Reading};
use crate::broker::{AckReceipt, Beginning, Broker, Delivered, Intake, Origin, Source, substituted};
use crate::consumer::{Failure, Message, guard};
use crate::outbox::{Handling, Outbox, database, now};
use crate::telemetry::{Kind, Metrics, ReadingMetrics, Tracer};

/// How often a reader to which nothing comes looks whether it was moved back.
const LOOK: Duration = Duration::from_secs(1);
/// After so many looks nothing comes any more of what the log has already.
const SILENCE: u32 = 5;
/// The wait after the first failed attempt at a page; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// So many failed attempts at one page make the service unready.
const STUCK: u32 = 3;
/// Bytes of bodies after which a page takes no more.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// Calls the service's function with a page.
pub(crate) type Handle = Box<dyn Fn(Page, Message, Handling) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

pub(crate) struct ReaderParts {
    pub(crate) reading: Reading,
    pub(crate) broker: Arc<Broker>,
    pub(crate) outbox: Outbox,
    pub(crate) handle: Handle,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) tracer: Tracer,
    /// Why it does not get on, if so.
    pub(crate) stuck: watch::Sender<Option<String>>,
}

/// Reads one log for one reader.
pub(crate) struct Reader {
    pub(super) parts: ReaderParts,
    log: Arc<str>,
    pub(super) metrics: ReadingMetrics,
    /// How the subscription began.
    pub(super) begun: Mutex<Covered>,
    /// How many connections messages had broken then.
    pub(super) broken: AtomicU64,
    /// How many entries shall be under way.
    pub(super) prefetch: AtomicU16,
}

/// The entries of a page as they came.
struct Gathered {
    entries: Vec<Logged>,
    receipts: Vec<AckReceipt>,
    /// Of their bodies, whatever stood around the events.
    bytes: usize,
}

/// What became of a page.
enum Outcome {
    /// It is committed, together with the place after it.
    Committed,
    /// Another replica has committed all of it.
    DoneBefore,
    /// The reader has its place elsewhere now: the subscription does not bring what is wanted.
    Moved,
}

impl Reader {
    pub(crate) fn new(parts: ReaderParts) -> Arc<Self> {
        let Reading { log, reader, .. } = &parts.reading;
        let metrics = parts.metrics.reading(log, reader);
        let (log, prefetch) = (log.as_str().into(), AtomicU16::new(parts.reading.first_prefetch()));
        Arc::new(Self { log, metrics, begun: Mutex::default(), broken: AtomicU64::new(0), prefetch, parts })
    }

    /// The subscription.
    pub(crate) fn source(self: &Arc<Self>, consumer_tag: String) -> Source {
        let (begins, consumes) = (Arc::clone(self), Arc::clone(self));
        let begin = Arc::new(move |broken| -> BoxFuture<'static, Beginning> {
            let reader = Arc::clone(&begins);
            Box::pin(async move { reader.begin(broken).await })
        });
        Source {
            origin: Origin::Log { queue: self.parts.reading.log.clone(), begin },
            consumer_tag,
            prefetch: self.parts.reading.first_prefetch(),
            no_ack: false,
            stays: false,
            retire: None,
            consume: Arc::new(move |intake| Box::pin(Arc::clone(&consumes).read(intake))),
        }
    }

    /// Reads until the service drains, the channel is lost, or the subscription does not bring what is wanted.
    async fn read(self: Arc<Self>, mut intake: Intake) {
        let drain = intake.drain();
        let mut covered = *self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(Gathered { entries, receipts, bytes }) = self.gather(&mut intake, covered).await {
            let entries: Arc<[Logged]> = entries.into();
            if !self.work(&entries, covered, drain.clone()).await {
                break;
            }
            // To a log this is no more than a request for as many again.
            receipts.into_iter().for_each(AckReceipt::acknowledge);
            covered.last = entries.last().map(Logged::place);
            if !intake.is_careful() && self.asks_for_other_than(intake.prefetch(), entries.len(), bytes) {
                break;
            }
        }
        self.free();
    }

    /// Whether the next subscription shall have more under way than this one, or less.
    fn asks_for_other_than(&self, now: u16, entries: usize, bytes: usize) -> bool {
        let next = self.parts.reading.next_prefetch(now, entries, bytes, bytes >= PAGE_BYTES);
        next.inspect(|next| self.prefetch.store(*next, Ordering::Relaxed)).is_some()
    }

    /// The entries of the next page.
    async fn gather(&self, intake: &mut Intake, covered: Covered) -> Option<Gathered> {
        let Reading { page, linger, .. } = self.parts.reading;
        let mut looks = 0_u32;
        let first = loop {
            match timeout(LOOK, intake.next()).await {
                Ok(next) => break next?,
                Err(_) if self.was_moved_back(covered).await => return None,
                Err(_) => looks = looks.saturating_add(1),
            }
            // The last entry is always there, and so at least one of those that were asked for.
            if let (SILENCE, Some(done)) = (looks, covered.awaits()) {
                let reason = format!("{}: {}", self.log, begins_anew(done));
                tracing::error!("{reason}");
                self.stuck(reason);
            }
        };
        // The one that is done is none of the page's, and no more comes than may be under way.
        let most = usize::from(page) + usize::from(covered.awaits().is_some());
        let most = most.min(usize::from(intake.prefetch()));
        let until = Instant::now() + linger;
        let (mut entries, mut receipts, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut next = Some(first);
        while let Some(Delivered { inbound, receipt }) = next {
            bytes += inbound.body.len();
            let expected = entries.last().map(|entry: &Logged| entry.place() + 1).or(covered.next());
            let lost = expected.is_none() && substituted(&inbound).is_some();
            match Logged::of(inbound, expected) {
                Some(entry) => {
                    entries.push(entry);
                    receipts.push(receipt);
                }
                // The next one tells where it stood.
                None if lost => receipt.acknowledge(),
                // What is not acknowledged stays where it is.
                None => self.stuck(format!("queue {} is no stream: delete it, and start its keeper again", self.log)),
            }
            let full = entries.len() >= most || bytes >= PAGE_BYTES;
            next = if full { None } else { timeout_at(until, intake.next()).await.unwrap_or_default() };
        }
        let draining = intake.drain().borrow().is_some();
        (!draining).then_some(Gathered { entries, receipts, bytes })
    }

    /// Tries a page until it is done; `false` when the subscription is to end.
    async fn work(
        &self,
        entries: &Arc<[Logged]>,
        covered: Covered,
        mut drain: watch::Receiver<Option<Instant>>,
    ) -> bool {
        let Some(first) = entries.first() else { return true };
        let (mut attempt, mut wait) = (1, FIRST_WAIT);
        loop {
            match self.attempt(entries, covered, attempt).await {
                Ok(Outcome::Committed | Outcome::DoneBefore) => {
                    self.free();
                    return true;
                }
                Ok(Outcome::Moved) => return false,
                Err(failure) => {
                    self.metrics.retried(first.offset(), attempt, &failure.to_string());
                    if attempt >= STUCK {
                        let (log, offset) = (&self.log, first.offset());
                        self.stuck(format!("{log} is read no further than offset {offset}: {failure}"));
                    }
                }
            }
            tokio::select! {
                () = sleep(wait) => {}
                _ = drain.wait_for(Option::is_some) => return false,
            }
            attempt = attempt.saturating_add(1);
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// The effects of a page and the place after it, or nothing.
    async fn attempt(&self, all: &Arc<[Logged]>, covered: Covered, attempt: u32) -> Result<Outcome, Failure> {
        let ReaderParts { reading: Reading { log, reader, start, deadline, .. }, outbox, handle, .. } = &self.parts;
        let (Some(first), Some(last)) = (all.first(), all.last()) else { return Ok(Outcome::DoneBefore) };
        let mut transaction = outbox.store().write().await.map_err(database)?;
        let mut place = place::lock(&mut transaction, log, reader).await.map_err(database)?;
        if place.is_none() && covered.last.is_none() {
            let before = start.first().unwrap_or(first.place()) - 1;
            place::enter(&mut transaction, log, reader, before, now()).await.map_err(database)?;
            place = place::lock(&mut transaction, log, reader).await.map_err(database)?;
        }
        let before = covered.before().unwrap_or(first.place() - 1);
        let Some(place) = place.filter(|place| place.offset >= before) else { return Ok(Outcome::Moved) };
        let from = all.partition_point(|entry| entry.place() <= place.offset);
        let done = from.checked_sub(1).and_then(|done| all.get(done));
        if done.is_some_and(|done| place.is_elsewhere(done)) {
            return Err(Failure::retry(begins_anew(place.offset)));
        }
        let Some(next) = all.get(from) else { return Ok(Outcome::DoneBefore) };
        let missed = missed_behind(place.offset, &all[from..]);

        let (page, notes) = Page::new(Arc::clone(all), from, missed);
        let handling = Handling::begun(outbox, &self.log, transaction);
        let message = Message::of_page(log, attempt);
        let mut span = self.parts.tracer.begin(Kind::Consumer, message.trace());
        span.describe(|about| page.tell(about, log, reader));
        let message = message.at(span.trace());
        let handled = guard(*deadline, handle(page, message, handling.clone())).await;
        span.end(handled.as_ref().err().map(|failure| (failure.class(), failure as &dyn Display)));
        if let Err(failure) = handled {
            handling.roll_back().await;
            return Err(failure);
        }
        let unreadable = notes.unreadable();
        let to = Place::of(notes.last(), last);
        let step = Move { from: place.offset, to, unreadable: unreadable.len() as u64, missed };
        if let Err(failure) = self.advance(&handling, step).await {
            handling.roll_back().await;
            return Err(failure);
        }
        handling.commit().await?;
        if missed > 0 {
            self.metrics.missed(missed, next.offset(), last.offset());
        }
        for entry in unreadable {
            self.metrics.unreadable(entry.offset, &entry.name, entry.message_id.as_deref(), &entry.error);
        }
        let age = last.sent_at().and_then(|sent| SystemTime::now().duration_since(sent).ok());
        self.metrics.read(all.len() - from, notes.last(), age);
        Ok(Outcome::Committed)
    }

    async fn advance(&self, handling: &Handling, step: Move) -> Result<(), Failure> {
        let Reading { log, reader, .. } = &self.parts.reading;
        let mut transaction = handling.begin().await?;
        let moved = place::advance(&mut transaction, log, reader, step, now()).await.map_err(database)?;
        if moved { Ok(()) } else { Err(Failure::retry("the handler has changed garenne_offset; it is the library's")) }
    }

    /// Whether the entries that are wanted next came long ago.
    async fn was_moved_back(&self, covered: Covered) -> bool {
        let Reading { log, reader, .. } = &self.parts.reading;
        match place::look(self.parts.outbox.store(), log, reader).await {
            Ok(Some(place)) => covered.before().is_some_and(|before| place < before),
            Ok(None) => covered.last.is_some(),
            Err(_) => false,
        }
    }

    fn stuck(&self, reason: String) {
        self.metrics.stuck(true);
        self.parts.stuck.send_replace(Some(reason));
    }

    fn free(&self) {
        self.metrics.stuck(false);
        self.parts.stuck.send_if_modified(|reason| reason.take().is_some());
    }
}

/// How many entries are missing behind this one and between those that came. Where one alone is missing none is: the broker
/// takes a place for itself now and then. What it removes it removes by the segment.
fn missed_behind(done: i64, entries: &[Logged]) -> u64 {
    let places = entries.iter().map(Logged::place);
    let gaps = std::iter::once(done).chain(places.clone()).zip(places);
    gaps.map(|(before, next)| next.saturating_sub(before).saturating_sub(1))
        .filter(|gap| *gap > 1)
        .map(i64::unsigned_abs)
        .sum()
}

/// What to say when the log is another one than the one that was read.
fn begins_anew(offset: i64) -> String {
    format!(
        "entry {offset}, which is done, is another one or not there: the log was deleted and begins anew. To read the new one from \
         its beginning, rewind the reader (set last_offset in garenne_offset to -1)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::{Inbound, Properties};

    #[test]
    fn the_words_about_a_log_that_was_deleted_name_the_entry_and_a_place_that_the_table_has() {
        let words = begins_anew(7);
        assert!(
            words.starts_with("entry 7, ") && words.contains("(set last_offset in garenne_offset to -1)"),
            "{words}"
        );
        for table in [
            include_str!("../../migrations/sqlite/0002_offset.sql"),
            include_str!("../../migrations/postgres/0002_offset.sql"),
        ] {
            assert!(table.contains("CREATE TABLE garenne_offset (") && table.contains("-1: of none"), "{table}");
            assert!(table.lines().any(|line| line.starts_with("    last_offset ")), "{table}");
        }
    }

    #[test]
    fn entries_that_are_gone_are_told_from_the_places_that_a_broker_takes() {
        let missed = |done: i64, places: &[i64]| {
            let entry = |place: &i64| {
                let mut properties = Properties::default();
                properties.set_integer("x-stream-offset", *place);
                Logged::of(Inbound::of("desk.events", "desk.filed", "", properties), None)
            };
            let entries: Vec<Logged> = places.iter().filter_map(entry).collect();
            missed_behind(done, &entries)
        };
        assert_eq!(missed(-1, &[0, 1, 2]), 0);
        // One by itself is the broker's.
        assert_eq!(missed(6, &[8, 9, 11]), 0);
        // The log let go what the reader had not come to, and again while it read.
        assert_eq!(missed(6, &[107, 108, 208]), 100 + 99);
        assert_eq!(missed(-1, &[400]), 400);
        assert_eq!(missed(6, &[]), 0);
    }
}

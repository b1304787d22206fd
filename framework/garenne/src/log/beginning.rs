//! Where a subscription to a log begins, and what it has brought since.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::sleep;

use super::Reading;
use super::place::{self, Move, Place};
use super::reader::Reader;
use crate::broker::{Beginning, Offset};
use crate::outbox::now;

/// How long trouble with the database is waited out before a subscription begins.
const TROUBLE: Duration = Duration::from_millis(500);

/// What a subscription has brought so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Covered {
    /// The entry that the broker was asked for. Nothing when it decided itself.
    asked: Option<i64>,
    /// Whether that one is done already, so that it must have been in the log.
    resumed: bool,
    /// The last one that came.
    pub(super) last: Option<i64>,
}

impl Reader {
    /// Where to begin. It asks for the last entry that is done, not the one after it: when that one does not come, the log is another
    /// one. When a message has broken the connection since it was last asked, it may have been an entry of this log: then what
    /// the broker cannot deliver is passed over.
    pub(super) async fn begin(&self, broken: u64) -> Beginning {
        let Reading { log, reader, .. } = &self.parts.reading;
        let suspicious = self.broken.swap(broken, Ordering::Relaxed) < broken;
        if suspicious {
            // What comes before a bad entry is lost with the connection, so few are asked for until it is behind.
            self.prefetch.store(self.parts.reading.first_prefetch(), Ordering::Relaxed);
        }
        let mut told = false;
        let (offset, covered) = loop {
            match self.found(suspicious).await {
                Ok(found) => break found,
                Err(error) if !told => {
                    told = true;
                    tracing::warn!(%error, log, reader, "how far the log is read cannot be read; trying again");
                }
                Err(_) => {}
            }
            sleep(TROUBLE).await;
        };
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = covered;
        Beginning { offset, prefetch: self.prefetch.load(Ordering::Relaxed) }
    }

    async fn found(&self, suspicious: bool) -> Result<(Offset, Covered), sqlx::Error> {
        let Reading { log, reader, start, .. } = &self.parts.reading;
        let place = place::look(self.parts.outbox.store(), log, reader).await?;
        if suspicious {
            let next = place.map(|done| done.saturating_add(1)).or(start.first());
            let wanted = next.map_or(start.offset(), Offset::At);
            let sound = self.parts.broker.first_deliverable(log, wanted).await;
            let asked = match (next, sound) {
                (Some(next), Offset::At(sound)) => {
                    if sound > next {
                        self.pass_over(next, sound).await?;
                    }
                    Some(sound)
                }
                // How many there are nobody knows.
                _ if sound != wanted => {
                    tracing::error!(log, reader, ?wanted, begins = ?sound, "the broker fails at what the reader was to begin with");
                    None
                }
                _ => None,
            };
            return Ok((sound, Covered { asked, resumed: false, last: None }));
        }
        let (offset, asked, resumed) = match place {
            Some(done) if done >= 0 => (Offset::At(done), Some(done), true),
            Some(_) => (Offset::First, Some(0), false),
            None => (start.offset(), start.first(), false),
        };
        Ok((offset, Covered { asked, resumed, last: None }))
    }

    /// Counts the entries from one to before another one as unreadable, unless the reader has been moved meanwhile.
    async fn pass_over(&self, from: i64, to: i64) -> Result<(), sqlx::Error> {
        let Reading { log, reader, .. } = &self.parts.reading;
        let mut transaction = self.parts.outbox.store().write().await?;
        place::enter(&mut transaction, log, reader, from - 1, now()).await?;
        let (entries, last) = (to.abs_diff(from), Place { offset: to - 1, message_id: None });
        let step = Move { from: from - 1, to: last, unreadable: entries, missed: 0 };
        let moved = place::advance(&mut transaction, log, reader, step, now()).await?;
        transaction.commit().await?;
        if moved {
            self.metrics.undeliverable(from, entries);
        }
        Ok(())
    }
}

impl Covered {
    /// Every entry after this one is still to come or comes next. Nothing when only the first that comes tells.
    pub(super) fn before(self) -> Option<i64> {
        self.last.or(self.asked.map(|asked| asked - 1))
    }

    /// Which entry comes next, or an earlier one than that. Nothing when only the first that comes tells.
    pub(super) fn next(self) -> Option<i64> {
        self.last.map(|last| last + 1).or(self.asked)
    }

    /// The entry that is done and was asked for all the same, until something comes.
    pub(super) fn awaits(self) -> Option<i64> {
        self.asked.filter(|_| self.resumed && self.last.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::Covered;

    #[test]
    fn what_was_brought_before_is_not_brought_again() {
        // Asked for 40, which is done: 41 comes after it.
        let begun = Covered { asked: Some(40), resumed: true, last: None };
        assert_eq!(begun.before(), Some(39));
        assert_eq!(Covered { last: Some(99), ..begun }.before(), Some(99));
        // The broker decides.
        assert_eq!(Covered::default().before(), None);
    }
}

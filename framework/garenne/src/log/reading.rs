//! How a log is read.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::broker::Offset;
use crate::topology::{Fault, names};

/// Entries that are under way to a reader beside the page in hand: enough that it never waits for the network.
const PAGES_AHEAD: u16 = 3;
/// Pages of one entry would otherwise make the broker wait for each.
const LEAST_PREFETCH: u16 = 100;
const PAGE_LIMIT: u16 = 20_000;

/// Where a reader begins that has read nothing yet. Afterwards it goes on where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// The oldest entry that the log has.
    First,
    /// The last ones: the broker keeps entries that came together as one chunk, and the last chunk is read whole.
    Last,
    /// The next entry that comes. What comes while the reader has read nothing yet and is away is not for it.
    Next,
    /// The entry at this offset, or the oldest after it.
    Offset(u64),
    /// The chunk of this moment: entries that came together with the first one since then may be older.
    Since(SystemTime),
}

/// Who reads a log, from where, and how much at once. All but the names has defaults; say only what differs.
///
/// ```
/// use garenne::log::{Reading, Start};
///
/// let reading = Reading::new("shop", "sales").from(Start::First).page(500);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    pub(crate) log: String,
    pub(crate) reader: String,
    pub(crate) start: Start,
    pub(crate) page: u16,
    pub(crate) linger: Duration,
    pub(crate) deadline: Duration,
}

impl Reading {
    /// A reader of the log of this name. How far it is stands in the database under the reader's name: under another name
    /// it begins anew.
    ///
    /// It starts with the first entry, a page has at most 1,000, the first of them waits at most 20 ms for the others, and
    /// a page is worked in at most 60 s.
    #[must_use]
    pub fn new(log: &str, reader: &str) -> Self {
        Self {
            log: names::log(log),
            reader: reader.to_owned(),
            start: Start::First,
            page: 1000,
            linger: Duration::from_millis(20),
            deadline: Duration::from_secs(60),
        }
    }

    /// Where it begins when it has read nothing yet.
    #[must_use]
    pub fn from(self, start: Start) -> Self {
        Self { start, ..self }
    }

    /// At most so many entries in one page and so in one transaction, 1 to 20,000. Four times as many may be in memory.
    #[must_use]
    pub fn page(self, entries: u16) -> Self {
        Self { page: entries, ..self }
    }

    /// The first entry of a page waits at most so long for more, up to 10 s.
    #[must_use]
    pub fn linger(self, time: Duration) -> Self {
        Self { linger: time, ..self }
    }

    /// An attempt at a page that takes longer is undone and made again: 1 ms to 25 min.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    pub(crate) fn prefetch(&self) -> u16 {
        self.page.saturating_mul(PAGES_AHEAD + 1).max(LEAST_PREFETCH)
    }

    /// What is out of its range.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |option, given: String, rule| {
            faults.push(Fault::Option { queue: self.log.clone(), option, given, rule });
        };
        if !(1..=PAGE_LIMIT).contains(&self.page) {
            fault("page", self.page.to_string(), "give 1 to 20000");
        }
        if self.linger > Duration::from_secs(10) {
            fault("linger", format!("{} ms", self.linger.as_millis()), "give at most 10 s");
        }
        if !(Duration::from_millis(1)..=Duration::from_secs(25 * 60)).contains(&self.deadline) {
            fault("deadline", format!("{} ms", self.deadline.as_millis()), "give 1 ms to 25 min");
        }
        if self.reader.is_empty() || self.reader.len() > 100 {
            fault("reader", format!("{:?}", self.reader), "give a name of 1 to 100 bytes");
        }
        if self.start.first().is_some_and(|first| first < 0) {
            fault("from", "an offset beyond all".to_owned(), "give less than 2^63");
        }
        faults
    }
}

impl Start {
    /// The entry before which nothing may be missing, if it names one. Offsets beyond the broker's are negative here.
    pub(super) fn first(self) -> Option<i64> {
        match self {
            Self::First => Some(0),
            Self::Offset(offset) => Some(i64::try_from(offset).unwrap_or(-1)),
            Self::Last | Self::Next | Self::Since(_) => None,
        }
    }

    pub(super) fn offset(self) -> Offset {
        match self {
            Self::First => Offset::First,
            Self::Last => Offset::Last,
            Self::Next => Offset::Next,
            Self::Offset(_) => Offset::At(self.first().unwrap_or_default()),
            Self::Since(moment) => Offset::Since(moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_never_waits_for_an_entry_at_a_time() {
        assert_eq!(Reading::new("shop", "sales").page(1).prefetch(), 100);
        assert_eq!(Reading::new("shop", "sales").page(1000).prefetch(), 4000);
        assert_eq!(Reading::new("shop", "sales").page(PAGE_LIMIT).prefetch(), u16::MAX);
    }

    #[test]
    fn what_is_out_of_its_range_is_named() {
        let wrong = Reading::new("shop", "").page(0).linger(Duration::from_secs(60)).deadline(Duration::ZERO);
        let faults = wrong.from(Start::Offset(u64::MAX)).faults();
        let text = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        for word in ["page is 0", "linger is 60000 ms", "deadline is 0 ms", "reader is", "from is"] {
            assert!(text.contains(word), "{word} is missing in {text}");
        }
        assert_eq!(Reading::new("shop", "sales").faults(), []);
    }
}

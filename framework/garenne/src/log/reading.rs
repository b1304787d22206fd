//! How a log is read.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::broker::Offset;
use crate::topology::{Fault, names};

/// Bytes that are about under way to a reader. Nobody can ask a broker for bytes, so it is asked for as many entries as they were
/// last found to be.
const UNDER_WAY: usize = 64 * 1024 * 1024;
/// With which a new subscription reckons, whatever the log was like before: as many entries as fit if all are as large as can be.
const FIRST_PREFETCH: u16 = 4;
/// So many times as many entries may be under way after each subscription that had no more than were asked for.
const GROWTH: u16 = 16;
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

    /// At most so many entries in one page and so in one transaction, 1 to 20,000. A page takes no more once it has 8 MiB. Four times as
    /// many entries may be in memory, and about 64 MiB.
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

    pub(super) fn first_prefetch(&self) -> u16 {
        FIRST_PREFETCH
    }

    /// How many entries shall be under way after a page of so many entries and bytes, if not as many as now. The page was cut
    /// because it was too large, or because it had all that were under way.
    pub(super) fn next_prefetch(&self, now: u16, entries: usize, bytes: usize, too_large: bool) -> Option<u16> {
        let most = self.page.saturating_mul(PAGES_AHEAD + 1).max(LEAST_PREFETCH);
        let fits = UNDER_WAY.saturating_mul(entries) / bytes.max(1);
        let fits = u16::try_from(fits).unwrap_or(u16::MAX).clamp(1, most);
        let next = if too_large { fits.min(now) } else { fits.min(now.saturating_mul(GROWTH)) };
        let all = entries >= usize::from(now.min(self.page));
        (if too_large { next < now } else { all && next > now }).then_some(next)
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
    fn more_and_more_small_entries_are_under_way_until_no_page_waits_for_the_next_one() {
        for (page, most) in [(1, 100), (1000, 4000), (PAGE_LIMIT, u16::MAX)] {
            let reading = Reading::new("shop", "sales").page(page);
            let (mut now, mut steps) = (reading.first_prefetch(), 0);
            let whole = |now: u16| usize::from(now.min(page));
            while let Some(next) = reading.next_prefetch(now, whole(now), whole(now) * 500, false) {
                (now, steps) = (next, steps + 1);
            }
            assert!(now == most && steps <= 4, "{now} after {steps} steps");
            // A page that had fewer was not held up.
            assert_eq!(reading.next_prefetch(4, whole(4) - 1, 500, false), None);
        }
    }

    #[test]
    fn of_large_entries_few_are_under_way() {
        let reading = Reading::new("shop", "sales");
        let (mebibyte, most) = (1024 * 1024, 16 * 1024 * 1024);
        assert_eq!(reading.next_prefetch(4000, 8, 8 * mebibyte, true), Some(64));
        assert_eq!(reading.next_prefetch(64, 8, 8 * mebibyte, true), None);
        assert_eq!(reading.next_prefetch(64, 1, most, true), Some(reading.first_prefetch()));
        assert_eq!(reading.next_prefetch(4, 4, 4 * most, false), None);
        assert_eq!(reading.next_prefetch(4, 4, 4 * mebibyte, false), Some(64));
        assert_eq!(reading.next_prefetch(4, 1, usize::MAX, true), Some(1));
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

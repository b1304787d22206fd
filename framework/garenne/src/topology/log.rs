//! An event log that a service keeps.

use std::collections::BTreeSet;

use super::Fault;

const DAYS_LIMIT: u32 = 36_500;
/// Below this a log would be nothing but its last segment.
const LEAST_BYTES: u64 = 100_000;
const MOST_BYTES: u64 = 1 << 50;
/// How many segments a full log has: the broker removes the oldest as a whole, and never the last one.
const SEGMENTS: u64 = 20;
/// The largest segment that is of use: it is also what a reader by time has to look through.
const LARGEST_SEGMENT: u64 = 100_000_000;

/// An event log: what some services say, kept in one sequence so that it can be read again, from its beginning or from
/// anywhere. On the broker it is the stream `<name>.log`, bound to all events of those services.
///
/// It is bounded by size and by age, whichever comes first; the oldest entries go.
///
/// ```
/// use garenne::log::Log;
///
/// let log = Log::new("shop").of(["orders", "payments"]).bytes(20_000_000_000).days(90);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    pub(super) name: String,
    pub(super) owners: BTreeSet<String>,
    pub(super) bytes: u64,
    pub(super) days: u32,
}

impl Log {
    /// A log of this name, kebab case. It keeps 5 GB and a year unless told otherwise.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), owners: BTreeSet::new(), bytes: 5_000_000_000, days: 365 }
    }

    /// Adds services whose events it keeps. It waits for each of them: without its exchange the keeper is not ready.
    ///
    /// Whoever may publish to one of their exchanges is trusted with the whole log. RabbitMQ 4.0 lets a sender choose under which
    /// exchange and routing key an entry stands there: of the headers `x-exchange` and `x-routing-key` that stand in a message
    /// twice, the second ones win, and a reader sees neither. In a queue the routing key is the true one. So money is counted
    /// from a log of those services alone whose exchanges nobody else may write to, or what it counts is checked against its owner.
    #[must_use]
    pub fn of<'a>(mut self, owners: impl IntoIterator<Item = &'a str>) -> Self {
        self.owners.extend(owners.into_iter().map(str::to_owned));
        self
    }

    /// At most so many bytes, from 100,000. The broker removes a twentieth at once (100 MB if that is less).
    #[must_use]
    pub fn bytes(self, bytes: u64) -> Self {
        Self { bytes, ..self }
    }

    /// At most so many days, 1 to 36,500.
    #[must_use]
    pub fn days(self, days: u32) -> Self {
        Self { days, ..self }
    }

    pub(super) fn segment_bytes(&self) -> u64 {
        (self.bytes / SEGMENTS).min(LARGEST_SEGMENT)
    }

    /// What is wrong with it beside its names.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let queue = super::names::log(&self.name);
        let mut faults = Vec::new();
        let mut fault = |option, given: String, rule| {
            faults.push(Fault::Option { queue: queue.clone(), option, given, rule });
        };
        if !(LEAST_BYTES..=MOST_BYTES).contains(&self.bytes) {
            fault("bytes", self.bytes.to_string(), "give 100000 to 2^50");
        }
        if !(1..=DAYS_LIMIT).contains(&self.days) {
            fault("days", self.days.to_string(), "give 1 to 36500");
        }
        if self.owners.is_empty() {
            fault("of", "nobody".to_owned(), "name the services whose events it keeps");
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_a_small_part_of_the_log_and_never_huge() {
        assert_eq!(Log::new("shop").bytes(100_000).segment_bytes(), 5_000);
        assert_eq!(Log::new("shop").bytes(1 << 40).segment_bytes(), LARGEST_SEGMENT);
    }

    #[test]
    fn what_is_out_of_its_range_is_named() {
        let faults = Log::new("shop").bytes(5).days(0).faults();
        let text = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        for word in ["shop.log: bytes is 5", "days is 0", "of is nobody"] {
            assert!(text.contains(word), "{text}");
        }
        assert_eq!(Log::new("shop").of(["orders"]).faults(), []);
    }
}

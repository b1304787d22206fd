//! What is counted about the reading of logs.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReaderLabel {
    log: String,
    reader: String,
}

/// The counters of all readers of a service.
#[derive(Debug, Default)]
pub(super) struct Readings {
    read: Family<ReaderLabel, Counter>,
    unreadable: Family<ReaderLabel, Counter>,
    missed: Family<ReaderLabel, Counter>,
    retried: Family<ReaderLabel, Counter>,
    offset: Family<ReaderLabel, Gauge>,
    age: Family<ReaderLabel, Gauge>,
    stuck: Family<ReaderLabel, Gauge>,
}

/// The counters of one reader, looked up once.
#[derive(Debug)]
pub(crate) struct ReadingMetrics {
    log: String,
    reader: String,
    read: Counter,
    unreadable: Counter,
    missed: Counter,
    retried: Counter,
    offset: Gauge,
    age: Gauge,
    stuck: Gauge,
}

impl Readings {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("log_read", "Entries of a log whose effects this replica committed", self.read.clone());
        registry.register("log_unreadable", "Entries that were wanted and could not be read", self.unreadable.clone());
        registry.register("log_missed", "Entries that were gone before they were read", self.missed.clone());
        registry.register("log_retried", "Attempts at a page of a log that failed", self.retried.clone());
        registry.register("log_offset", "The last entry that this replica committed", self.offset.clone());
        let age = "How old that entry was then: how far the reader is behind";
        registry.register_with_unit("log_age", age, Unit::Seconds, self.age.clone());
        registry.register("log_stuck", "1 while a page cannot be committed", self.stuck.clone());
    }

    pub(super) fn of(&self, log: &str, reader: &str) -> ReadingMetrics {
        let label = ReaderLabel { log: log.to_owned(), reader: reader.to_owned() };
        ReadingMetrics {
            log: log.to_owned(),
            reader: reader.to_owned(),
            read: self.read.get_or_create_owned(&label),
            unreadable: self.unreadable.get_or_create_owned(&label),
            missed: self.missed.get_or_create_owned(&label),
            retried: self.retried.get_or_create_owned(&label),
            offset: self.offset.get_or_create_owned(&label),
            age: self.age.get_or_create_owned(&label),
            stuck: self.stuck.get_or_create_owned(&label),
        }
    }
}

impl ReadingMetrics {
    /// A page is committed.
    pub(crate) fn read(&self, entries: usize, last: i64, age: Option<Duration>) {
        self.read.inc_by(u64::try_from(entries).unwrap_or(u64::MAX));
        self.offset.set(last);
        if let Some(age) = age {
            self.age.set(i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
        }
    }

    /// An entry was passed over. It stays in the log.
    pub(crate) fn unreadable(&self, offset: i64, name: &str, message_id: Option<&str>, error: &str) {
        let Self { log, reader, .. } = self;
        tracing::error!(log, reader, offset, name, message_id, error, "an entry cannot be read and is passed over");
        self.unreadable.inc();
    }

    /// So many entries from this one on were passed over, since the broker ends the connection over them. They stay in the log.
    pub(crate) fn undeliverable(&self, offset: i64, entries: u64) {
        let Self { log, reader, .. } = self;
        tracing::error!(log, reader, offset, entries, "the broker fails at delivering entries; they are passed over");
        self.unreadable.inc_by(entries);
    }

    /// So many entries before the first of a page or within it are gone.
    pub(crate) fn missed(&self, entries: u64, first: u64, last: u64) {
        let Self { log, reader, .. } = self;
        tracing::error!(
            log,
            reader,
            entries,
            first,
            last,
            "the log no longer had entries that the reader had not come to"
        );
        self.missed.inc_by(entries);
    }

    /// An attempt at the page that begins here failed.
    pub(crate) fn retried(&self, offset: u64, attempt: u32, error: &str) {
        let Self { log, reader, .. } = self;
        tracing::warn!(log, reader, offset, attempt, error, "a page of the log is undone and will be tried again");
        self.retried.inc();
    }

    pub(crate) fn stuck(&self, stuck: bool) {
        self.stuck.set(i64::from(stuck));
    }
}

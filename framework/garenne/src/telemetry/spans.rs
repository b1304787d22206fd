//! Spans that wait to be exported: bounded, so that a collector that is away costs no memory.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tokio::sync::Notify;

use super::span::About;

/// What waits, and what was counted.
#[derive(Debug)]
pub(crate) struct Spans {
    waiting: Mutex<VecDeque<About>>,
    /// So many may wait.
    limit: usize,
    /// So many are exported together.
    batch: usize,
    /// A batch is full.
    full: Notify,
    pub(super) counts: SpanCounts,
}

/// How many spans were made, and what became of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct SpanCounts {
    exported: Counter,
    dropped: Family<DropLabel, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DropLabel {
    reason: &'static str,
}

impl SpanCounts {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("spans_exported", "Spans that the collector has taken", self.exported.clone());
        registry.register("spans_dropped", "Spans that are lost", self.dropped.clone());
    }

    pub(super) fn exported(&self, spans: usize) {
        self.exported.inc_by(u64::try_from(spans).unwrap_or(u64::MAX));
    }

    pub(super) fn dropped(&self, spans: usize, reason: &'static str) {
        self.dropped.get_or_create(&DropLabel { reason }).inc_by(u64::try_from(spans).unwrap_or(u64::MAX));
    }
}

impl Spans {
    pub(super) fn new(limit: usize, batch: usize, counts: SpanCounts) -> Self {
        Self { waiting: Mutex::default(), limit, batch: batch.min(limit), full: Notify::new(), counts }
    }

    /// Never waits: what finds no room is counted and gone.
    pub(super) fn put(&self, span: About) {
        let mut waiting = self.waiting();
        if waiting.len() >= self.limit {
            drop(waiting);
            self.counts.dropped(1, "queue-full");
            return;
        }
        waiting.push_back(span);
        if waiting.len() == self.batch {
            self.full.notify_one();
        }
    }

    /// The next batch. Empty when nothing waits.
    pub(super) fn take(&self) -> Vec<About> {
        let mut waiting = self.waiting();
        let count = waiting.len().min(self.batch);
        waiting.drain(..count).collect()
    }

    /// Waits until a batch is full.
    pub(super) async fn full(&self) {
        self.full.notified().await;
    }

    /// Gives up what waits.
    pub(super) fn give_up(&self, reason: &'static str) {
        let left = std::mem::take(&mut *self.waiting()).len();
        if left > 0 {
            self.counts.dropped(left, reason);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<About>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Spans that wait to be exported: bounded by their number and by their size, whatever texts of others they hold, so that a collector
//! that is away does not cost the service its memory.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tokio::sync::Notify;

use super::span::About;

/// How large a span may be on average while as many wait as may: by default they take up 16 MiB at most.
const SIZE: usize = 8 * 1024;

/// What waits, and what was counted.
#[derive(Debug)]
pub(crate) struct Spans {
    waiting: Mutex<Waiting>,
    /// So many may wait.
    limit: usize,
    /// So many are exported together.
    batch: usize,
    /// A batch is full.
    full: Notify,
    pub(super) counts: SpanCounts,
}

#[derive(Debug, Default)]
struct Waiting {
    spans: VecDeque<About>,
    /// Of all of them.
    bytes: usize,
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
        let size = span.size();
        let mut waiting = self.waiting();
        let too_large = waiting.bytes > 0 && waiting.bytes + size > self.limit.saturating_mul(SIZE);
        if waiting.spans.len() >= self.limit || too_large {
            drop(waiting);
            self.counts.dropped(1, "queue-full");
            // Large ones fill the queue before a batch is full.
            self.full.notify_one();
            return;
        }
        waiting.bytes += size;
        waiting.spans.push_back(span);
        if waiting.spans.len() == self.batch {
            self.full.notify_one();
        }
    }

    /// The next batch. Empty when nothing waits.
    pub(super) fn take(&self) -> Vec<About> {
        let mut waiting = self.waiting();
        let count = waiting.spans.len().min(self.batch);
        let batch: Vec<About> = waiting.spans.drain(..count).collect();
        waiting.bytes -= batch.iter().map(About::size).sum::<usize>();
        batch
    }

    /// Waits until a batch is full.
    pub(super) async fn full(&self) {
        self.full.notified().await;
    }

    /// Gives up what waits.
    pub(super) fn give_up(&self, reason: &'static str) {
        let left = std::mem::take(&mut *self.waiting()).spans.len();
        if left > 0 {
            self.counts.dropped(left, reason);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::telemetry::sampler::Sampler;
    use crate::telemetry::span::Kind;
    use crate::telemetry::{Trace, Tracer};

    /// How many of these wait when a hundred are made, each with so many links.
    fn waiting(spans: &Arc<Spans>, links: usize) -> usize {
        let tracer = Tracer::new(Sampler::default(), Arc::clone(spans));
        for _ in 0..100 {
            let mut span = tracer.begin(Kind::Consumer, &Trace::start());
            span.describe(|about| {
                about.name("process shop.log".to_owned());
                (0..links).for_each(|_| about.link(&Trace::start()));
                (0..10).for_each(|_| about.text("url.path", "p".repeat(1024)));
            });
            span.end(None);
        }
        spans.waiting().spans.len()
    }

    #[test]
    fn large_spans_wait_as_far_as_there_is_memory_for_them_and_do_not_wait_for_a_full_batch() {
        let spans = Arc::new(Spans::new(50, 50, SpanCounts::default()));
        let count = waiting(&spans, 128);
        let size = spans.waiting().spans[0].size();
        assert_eq!(count, 50 * SIZE / size, "each has {size} bytes");
        assert!(spans.full().now_or_never().is_some(), "they are exported at once");
        assert_eq!(spans.take().len(), count);
        assert_eq!(spans.waiting().bytes, 0);
        assert_eq!(waiting(&spans, 128), count, "there is room again");
        spans.give_up("stopped");
        assert_eq!(waiting(&spans, 128), count, "and again");
    }

    #[test]
    fn one_span_always_finds_room() {
        let spans = Arc::new(Spans::new(1, 1, SpanCounts::default()));
        assert_eq!(waiting(&spans, 128), 1);
        assert!(spans.take()[0].size() > SIZE);
    }
}

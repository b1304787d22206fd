//! Hands the spans of a service to its collector.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::collector::{Collector, Encryption, Trouble};
use super::spans::{SpanCounts, Spans};
use super::traces::Traces;
use super::{Mentions, Tracer, otlp};

/// So often a batch is tried.
const ATTEMPTS: u32 = 4;
/// The wait after the first attempt; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// How long a service that has stopped otherwise waits for its collector.
const FAREWELL: Duration = Duration::from_secs(5);

/// So much later its end is forced.
const MARGIN: Duration = Duration::from_millis(100);

/// The task that exports. Dropping it gives up what waits.
#[derive(Debug)]
pub(crate) struct Exporter {
    task: JoinHandle<()>,
    stop: watch::Sender<Option<Instant>>,
}

/// What the task has.
struct Export {
    spans: Arc<Spans>,
    collector: Collector,
    resource: otlp::Resource,
    timeout: Duration,
    delay: Duration,
    stop: watch::Receiver<Option<Instant>>,
    /// So many spans are on their way.
    in_hand: usize,
    mentions: Mentions,
}

impl Traces {
    /// Begins to export. Spans are made by what is returned first.
    pub(crate) fn export(
        self,
        service: &str,
        instance: &str,
        counts: SpanCounts,
        encryption: Encryption,
    ) -> (Tracer, Exporter) {
        let spans = Arc::new(Spans::new(self.limit, self.batch, counts));
        let known = [
            ("service.name", service),
            ("service.instance.id", instance),
            ("telemetry.sdk.name", env!("CARGO_PKG_NAME")),
            ("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
            ("telemetry.sdk.language", "rust"),
        ];
        let of_ours = known.into_iter().filter(|(name, _)| !self.resource.contains_key(*name));
        let of_others = self.resource.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let resource = otlp::resource(of_ours.chain(of_others));
        let collector = Collector::new(self.endpoint, self.headers, encryption);
        let (stop, when_stopped) = watch::channel(None);
        let export = Export {
            spans: Arc::clone(&spans),
            collector,
            resource,
            timeout: self.timeout,
            delay: self.delay,
            stop: when_stopped,
            in_hand: 0,
            mentions: Mentions::default(),
        };
        let task = tokio::spawn(export.run());
        (Tracer::new(self.sampler, spans), Exporter { task, stop })
    }
}

impl Exporter {
    /// Exports what waits, for 5 s and until the deadline at most, and ends.
    pub(crate) async fn finish(mut self, deadline: Instant) {
        let deadline = deadline.min(Instant::now() + FAREWELL);
        self.stop.send_replace(Some(deadline));
        if timeout_at(deadline + MARGIN, &mut self.task).await.is_err() {
            tracing::warn!("the collector did not take the last spans in time");
        }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Export {
    async fn run(mut self) {
        loop {
            let deadline = tokio::select! {
                () = self.spans.full() => None,
                () = sleep(self.delay) => None,
                deadline = stopped(&mut self.stop) => Some(deadline),
            };
            let Some(deadline) = deadline else {
                self.everything().await;
                continue;
            };
            let _ = timeout_at(deadline, self.everything()).await;
            self.spans.counts.dropped(self.in_hand, "stopped");
            self.spans.give_up("stopped");
            return;
        }
    }

    /// Exports until nothing waits.
    async fn everything(&mut self) {
        loop {
            let batch = self.spans.take();
            if batch.is_empty() {
                return;
            }
            self.in_hand = batch.len();
            let body = Bytes::from(otlp::request(&self.resource, batch));
            let handed_over = self.hand_over(&body).await;
            let spans = std::mem::take(&mut self.in_hand);
            match handed_over {
                Ok(()) => self.spans.counts.exported(spans),
                Err(trouble) => self.lost(spans, &trouble),
            }
        }
    }

    /// Tries again what may succeed, as long as the service runs: when it stops, there is one attempt.
    async fn hand_over(&mut self, body: &Bytes) -> Result<(), Trouble> {
        let (mut attempt, mut wait) = (1, FIRST_WAIT);
        loop {
            let posted = timeout(self.timeout, self.collector.post(body)).await;
            let posted = posted.unwrap_or_else(|_| {
                Err(Trouble::Away(format!("it does not answer within {} ms", self.timeout.as_millis())))
            });
            if !matches!(posted, Err(Trouble::Away(_))) || attempt == ATTEMPTS || self.stop.borrow().is_some() {
                return posted;
            }
            tokio::select! {
                () = sleep(wait) => {}
                _ = stopped(&mut self.stop) => {}
            }
            (attempt, wait) = (attempt + 1, wait * 2);
        }
    }

    fn lost(&mut self, spans: usize, trouble: &Trouble) {
        let reason = match trouble {
            Trouble::Away(_) => "collector-away",
            Trouble::Refused(_) => "collector-refused",
        };
        self.spans.counts.dropped(spans, reason);
        let text = trouble.to_string();
        if self.mentions.is_news(&text) {
            tracing::warn!(collector = %self.collector.address(), trouble = text, spans, "spans are lost; messages are not");
        }
    }
}

/// Waits until the service stops, and returns the deadline.
async fn stopped(stop: &mut watch::Receiver<Option<Instant>>) -> Instant {
    match stop.wait_for(Option::is_some).await.map(|deadline| *deadline) {
        Ok(Some(deadline)) => deadline,
        // Whoever could tell is gone, and so is this task in a moment.
        Ok(None) | Err(_) => Instant::now(),
    }
}

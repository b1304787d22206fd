//! Everything that is counted, and the log line that goes with it.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::reading::{ReadingMetrics, Readings};
use super::spans::SpanCounts;

/// The counters of one running service. All names begin with `garenne_`; times are in seconds.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    published: Family<MessageLabel, Counter>,
    confirmed: Family<MessageLabel, Counter>,
    confirm_seconds: Histogram,
    unrouted: Family<MessageLabel, Counter>,
    consumed: Family<QueueLabel, Counter>,
    retried: Family<QueueLabel, Counter>,
    dead_lettered: Family<ReasonLabel, Counter>,
    handler_seconds: Family<QueueLabel, Histogram, fn() -> Histogram>,
    in_flight: Family<QueueLabel, Gauge>,
    paused: Family<QueueLabel, Counter>,
    blocked: Counter,
    reconnects: Family<RoleLabel, Counter>,
    failed_attempts: Family<RoleLabel, Counter>,
    consuming: Gauge,
    publishing: Gauge,
    publish_bytes: Gauge,
    sent_again: Counter,
    declared_again: Counter,
    rpc_seconds: Family<MessageLabel, Histogram, fn() -> Histogram>,
    rpc_timeouts: Family<MessageLabel, Counter>,
    rpc_late: Counter,
    rpc_waiting: Gauge,
    rpc_expired: Family<MessageLabel, Counter>,
    /// What is counted for each message, looked up once.
    by_message: RwLock<HashMap<String, Arc<MessageMetrics>>>,
    duplicates: Family<QueueLabel, Counter>,
    outbox_pending: Gauge,
    outbox_age: Gauge,
    readings: Readings,
    pub(crate) spans: SpanCounts,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MessageLabel {
    message: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabel {
    queue: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    queue: String,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RoleLabel {
    connection: &'static str,
}

/// From half a millisecond to half a minute.
fn seconds() -> Histogram {
    Histogram::new([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
}

impl Metrics {
    pub(crate) fn new(service: &str) -> Self {
        let mut registry =
            Registry::with_prefix_and_labels("garenne", [("service".into(), service.to_owned().into())].into_iter());
        let mut metrics = Self {
            registry: Registry::default(),
            published: Family::default(),
            confirmed: Family::default(),
            confirm_seconds: seconds(),
            unrouted: Family::default(),
            consumed: Family::default(),
            retried: Family::default(),
            dead_lettered: Family::default(),
            handler_seconds: Family::new_with_constructor(seconds),
            in_flight: Family::default(),
            paused: Family::default(),
            blocked: Counter::default(),
            reconnects: Family::default(),
            failed_attempts: Family::default(),
            consuming: Gauge::default(),
            publishing: Gauge::default(),
            publish_bytes: Gauge::default(),
            sent_again: Counter::default(),
            declared_again: Counter::default(),
            rpc_seconds: Family::new_with_constructor(seconds),
            rpc_timeouts: Family::default(),
            rpc_late: Counter::default(),
            rpc_waiting: Gauge::default(),
            rpc_expired: Family::default(),
            by_message: RwLock::default(),
            duplicates: Family::default(),
            outbox_pending: Gauge::default(),
            outbox_age: Gauge::default(),
            readings: Readings::default(),
            spans: SpanCounts::default(),
        };
        registry.register("published", "Messages handed to the broker", metrics.published.clone());
        registry.register("confirmed", "Messages the broker confirmed", metrics.confirmed.clone());
        let confirm = metrics.confirm_seconds.clone();
        registry.register_with_unit("confirm", "Time from publishing to the broker's confirm", Unit::Seconds, confirm);
        registry.register("unrouted", "Confirmed messages that reached no queue", metrics.unrouted.clone());
        registry.register("consumed", "Deliveries whose handler ended", metrics.consumed.clone());
        registry.register("retried", "Deliveries put on the retry ladder", metrics.retried.clone());
        registry.register("dead_lettered", "Deliveries put into the dead-letter queue", metrics.dead_lettered.clone());
        let handler = metrics.handler_seconds.clone();
        registry.register_with_unit("handler", "Time in the handler", Unit::Seconds, handler);
        registry.register("in_flight", "Deliveries being handled", metrics.in_flight.clone());
        registry.register("paused", "Failed messages that paused their queue", metrics.paused.clone());
        registry.register("blocked", "Times the broker took no messages", metrics.blocked.clone());
        registry.register("reconnects", "Connections that were rebuilt", metrics.reconnects.clone());
        let failed = metrics.failed_attempts.clone();
        registry.register("failed_attempts", "Attempts to connect and declare that failed", failed);
        registry.register("consuming", "1 while every queue is subscribed to", metrics.consuming.clone());
        registry.register("publishing", "1 while the broker takes messages", metrics.publishing.clone());
        let bytes = metrics.publish_bytes.clone();
        registry.register_with_unit("publish_in_flight", "Messages without their confirm", Unit::Bytes, bytes);
        let sent = metrics.sent_again.clone();
        registry.register("sent_again", "Messages sent again because their channel ended before their confirm", sent);
        let again = metrics.declared_again.clone();
        registry.register("declared_again", "Times missing queues or exchanges were made again", again);
        let rpc = metrics.rpc_seconds.clone();
        registry.register_with_unit("rpc", "Time from request to reply", Unit::Seconds, rpc);
        registry.register("rpc_timeouts", "Requests whose deadline passed", metrics.rpc_timeouts.clone());
        registry.register("rpc_late_replies", "Replies nobody waited for any more", metrics.rpc_late.clone());
        registry.register("rpc_waiting", "Requests that wait for their replies", metrics.rpc_waiting.clone());
        let expired = metrics.rpc_expired.clone();
        registry.register("rpc_expired", "Requests that were refused because their deadline had passed", expired);
        let duplicates = metrics.duplicates.clone();
        registry.register("duplicates", "Deliveries whose effects were committed before", duplicates);
        let pending = metrics.outbox_pending.clone();
        registry.register("outbox_pending", "Committed messages that are not confirmed yet", pending);
        let age = metrics.outbox_age.clone();
        registry.register_with_unit("outbox_age", "How long the oldest of them waits", Unit::Seconds, age);
        metrics.readings.register(&mut registry);
        metrics.spans.register(&mut registry);
        metrics.registry = registry;
        metrics
    }

    /// The text that Prometheus scrapes.
    pub(crate) fn exposition(&self) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// Something is published. What is returned is to be told of its confirm.
    pub(crate) fn published(&self, message: &str) -> Published {
        let counters = self.message(message);
        counters.published.inc();
        Published { counters, since: Instant::now() }
    }

    /// It was confirmed.
    pub(crate) fn confirmed(&self, published: &Published, routed: bool) {
        published.counters.confirmed.inc();
        self.confirm_seconds.observe(published.since.elapsed().as_secs_f64());
        if !routed {
            let label = &published.counters.label;
            tracing::debug!(message_type = label.message, "published, but no queue is bound for it");
            self.unrouted.get_or_create(label).inc();
        }
    }

    /// The counters of one message: a family makes a label of its own for each time that it is asked.
    fn message(&self, name: &str) -> Arc<MessageMetrics> {
        if let Some(known) = self.by_message.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(known);
        }
        let label = MessageLabel { message: name.to_owned() };
        let new = Arc::new(MessageMetrics {
            published: self.published.get_or_create_owned(&label),
            confirmed: self.confirmed.get_or_create_owned(&label),
            rpc_seconds: OnceLock::new(),
            label,
        });
        self.by_message.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), Arc::clone(&new));
        new
    }

    /// The counters of one queue, looked up once.
    pub(crate) fn queue(&self, queue: &str) -> QueueMetrics {
        let label = QueueLabel { queue: queue.to_owned() };
        QueueMetrics {
            in_flight: self.in_flight.get_or_create_owned(&label),
            consumed: self.consumed.get_or_create_owned(&label),
            seconds: self.handler_seconds.get_or_create_owned(&label),
        }
    }

    /// The counters of one reader of a log, looked up once.
    pub(crate) fn reading(&self, log: &str, reader: &str) -> ReadingMetrics {
        self.readings.of(log, reader)
    }

    pub(crate) fn retried(&self, queue: &str, delay: Duration, error: &str) {
        // Queue, message and attempt stand in the span.
        tracing::warn!(delay_ms = delay.as_millis(), error, "handling failed, will be retried");
        self.retried.get_or_create(&QueueLabel { queue: queue.to_owned() }).inc();
    }

    pub(crate) fn dead_lettered(&self, queue: &str, reason: &'static str, error: &str) {
        tracing::error!(reason, error, "put into the dead-letter queue");
        self.dead_lettered.get_or_create(&ReasonLabel { queue: queue.to_owned(), reason }).inc();
    }

    /// A message came again, and all it should do was committed before.
    pub(crate) fn duplicate(&self, queue: &str) {
        tracing::info!("handled before; nothing is left to do");
        self.duplicates.get_or_create(&QueueLabel { queue: queue.to_owned() }).inc();
    }

    /// What waits in the outbox.
    pub(crate) fn outbox(&self, messages: i64, oldest: Duration) {
        self.outbox_pending.set(messages);
        self.outbox_age.set(i64::try_from(oldest.as_secs()).unwrap_or(i64::MAX));
    }

    /// The broker refuses a message of the outbox.
    pub(crate) fn outbox_refused(&self, message_id: &str, attempts: i64, error: &str) {
        tracing::error!(
            message_id,
            attempts,
            error,
            "a committed message is not published yet; it is kept and tried again"
        );
    }

    /// A failed message's copy finds no place, so its queue pauses.
    pub(crate) fn paused(&self, queue: &str, trouble: &str) {
        tracing::error!(trouble, "the broker takes no copy of a failed message; its queue pauses until it does");
        self.paused.get_or_create(&QueueLabel { queue: queue.to_owned() }).inc();
    }

    /// The broker is short of memory or disk.
    pub(crate) fn blocked(&self, reason: &str) {
        tracing::warn!(reason, "the broker takes no messages for now");
        self.blocked.inc();
    }

    pub(crate) fn reconnected(&self, connection: &'static str) {
        tracing::info!(connection, "connected to the broker again");
        self.reconnects.get_or_create(&RoleLabel { connection }).inc();
    }

    /// The broker cannot be used now; that is told in the log, though not each time.
    pub(crate) fn failed_attempt(&self, connection: &'static str) {
        self.failed_attempts.get_or_create(&RoleLabel { connection }).inc();
    }

    /// Whether every queue is subscribed to.
    pub(crate) fn consuming(&self, consuming: bool) {
        self.consuming.set(i64::from(consuming));
    }

    /// Whether the broker takes messages.
    pub(crate) fn publishing(&self, publishing: bool) {
        self.publishing.set(i64::from(publishing));
    }

    /// So many bytes of messages more (or fewer) wait for their confirms.
    pub(crate) fn in_flight(&self, bytes: i64) {
        self.publish_bytes.inc_by(bytes);
    }

    /// So many messages had no confirm when their channel ended.
    pub(crate) fn sent_again(&self, messages: usize) {
        if messages > 0 {
            tracing::info!(messages, "sent again: their confirms were lost with their channel");
            self.sent_again.inc_by(u64::try_from(messages).unwrap_or(u64::MAX));
        }
    }

    /// Something that the service owns was found missing and is there again.
    pub(crate) fn declared_again(&self) {
        tracing::warn!("queues, exchanges or bindings of this service were missing and have been declared again");
        self.declared_again.inc();
    }

    pub(crate) fn answered(&self, request: &str, after: Duration) {
        let message = self.message(request);
        let seconds = message.rpc_seconds.get_or_init(|| self.rpc_seconds.get_or_create_owned(&message.label));
        seconds.observe(after.as_secs_f64());
    }

    pub(crate) fn timed_out(&self, request: &str) {
        tracing::warn!(request, "no reply by the deadline");
        self.rpc_timeouts.get_or_create(&MessageLabel { message: request.to_owned() }).inc();
    }

    /// So many calls wait for their replies now.
    pub(crate) fn waiting(&self, calls: usize) {
        self.rpc_waiting.set(i64::try_from(calls).unwrap_or(i64::MAX));
    }

    /// A request was taken up when its caller had stopped waiting.
    pub(crate) fn expired(&self, request: &str) {
        tracing::info!(request, "the deadline had passed before the request was taken up");
        self.rpc_expired.get_or_create(&MessageLabel { message: request.to_owned() }).inc();
    }

    pub(crate) fn late_reply(&self) {
        tracing::debug!("a reply came after its caller had given up");
        self.rpc_late.inc();
    }
}

/// A message that waits for its confirm.
#[derive(Debug)]
pub(crate) struct Published {
    counters: Arc<MessageMetrics>,
    since: Instant,
}

/// What is counted for each message of one name.
#[derive(Debug)]
struct MessageMetrics {
    label: MessageLabel,
    published: Counter,
    confirmed: Counter,
    /// Of requests.
    rpc_seconds: OnceLock<Histogram>,
}

/// What is counted for each delivery of a queue.
#[derive(Debug, Clone)]
pub(crate) struct QueueMetrics {
    in_flight: Gauge,
    consumed: Counter,
    seconds: Histogram,
}

impl QueueMetrics {
    /// A handler starts; dropping the guard counts its end.
    pub(crate) fn handling(&self) -> UnderWay {
        self.in_flight.inc();
        UnderWay { metrics: self.clone(), started: Instant::now() }
    }
}

/// One delivery being handled.
#[derive(Debug)]
pub(crate) struct UnderWay {
    metrics: QueueMetrics,
    started: Instant,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
        self.metrics.consumed.inc();
        self.metrics.seconds.observe(self.started.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_stands_in_the_exposition() {
        let metrics = Metrics::new("orders");
        let published = metrics.published("orders.order-placed");
        metrics.confirmed(&published, false);
        metrics.dead_lettered("orders.q", "permanent", "boom");
        drop(metrics.queue("orders.q").handling());
        let text = metrics.exposition();
        for line in [
            "garenne_published_total{service=\"orders\",message=\"orders.order-placed\"} 1",
            "garenne_confirm_seconds_count{service=\"orders\"} 1",
            "garenne_unrouted_total{service=\"orders\",message=\"orders.order-placed\"} 1",
            "garenne_dead_lettered_total{service=\"orders\",queue=\"orders.q\",reason=\"permanent\"} 1",
            "garenne_consumed_total{service=\"orders\",queue=\"orders.q\"} 1",
            "garenne_in_flight{service=\"orders\",queue=\"orders.q\"} 0",
            "garenne_handler_seconds_count{service=\"orders\",queue=\"orders.q\"} 1",
        ] {
            assert!(text.contains(line), "{line} is missing in:\n{text}");
        }
    }
}

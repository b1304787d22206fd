//! Works one queue.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::Instrument as _;

use super::copy::Failed;
use super::plain::plain;
use super::{Failure, Found, Handlers, Message, Options};
use crate::broker::{AckReceipt, Delivered, Inbound, Intake, Outgoing};
use crate::publisher::Publisher;
use crate::retry::{Ladder, Settlement, verdict};
use crate::telemetry::{Kind, Metrics, QueueMetrics, Span, UnderWay, of_delivery};
use crate::topology::names;

/// How long a copy that the broker does not take is waited with before the next try.
const COPY_BACKOFF: Duration = Duration::from_secs(1);
/// How long a handler that was cut off may take to notice.
const CUT_OFF: Duration = Duration::from_secs(1);

/// What a [`Worker`] is made of.
pub(crate) struct WorkerParts {
    pub(crate) queue: Arc<str>,
    pub(crate) handlers: Handlers,
    pub(crate) options: Options,
    pub(crate) ladder: Ladder,
    pub(crate) publisher: Publisher,
    pub(crate) metrics: Arc<Metrics>,
}

/// Takes the deliveries of one queue from connection after connection.
pub(crate) struct Worker {
    parts: WorkerParts,
    metrics: QueueMetrics,
    /// Copies that the broker does not take at the moment. While there are any, no new delivery is begun.
    stuck: watch::Sender<usize>,
    /// One for each handler that may run. They outlive the connections, as the handlers do: a delivery that comes again
    /// because its connection was lost waits until there is room beside the handler that still works at it.
    permits: Arc<Semaphore>,
    /// Every handler that runs, also those whose connection was lost under them.
    running: Mutex<JoinSet<()>>,
}

impl Worker {
    pub(crate) fn new(parts: WorkerParts) -> Arc<Self> {
        let metrics = parts.metrics.queue(&parts.queue);
        let permits = Arc::new(Semaphore::new(usize::from(parts.options.concurrency)));
        Arc::new(Self { parts, metrics, stuck: watch::Sender::new(0), permits, running: Mutex::default() })
    }

    /// Handles deliveries until there are no more. When the service drains, returns once all are dealt with or the
    /// deadline has passed; when the connection is lost, at once.
    ///
    /// Dropping the future leaves the handlers running.
    pub(crate) async fn consume(self: Arc<Self>, mut intake: Intake) {
        let mut stuck = self.stuck.subscribe();
        let mut drain = intake.drain();
        loop {
            let permit = tokio::select! {
                // Whether the service drains is looked at while there is no permit; with one, the intake looks.
                biased;
                permit = Arc::clone(&self.permits).acquire_owned() => permit,
                () = draining(&mut drain) => {
                    intake.cancel().await;
                    let deadline = *drain.borrow();
                    let Some(Ok(permit)) = in_time(deadline, Arc::clone(&self.permits).acquire_owned()).await else { break };
                    Ok(permit)
                }
            };
            let Ok(permit) = permit else { break };
            // While a copy finds no place, nothing new is begun, also when the service drains.
            let unstuck = tokio::select! {
                biased;
                freed = stuck.wait_for(|copies| *copies == 0) => freed.is_ok(),
                () = draining(&mut drain) => false,
            };
            if !unstuck {
                break;
            }
            let Some(delivered) = intake.next().await else { break };
            let worker = Arc::clone(&self);
            let mut running = self.running();
            while running.try_join_next().is_some() {}
            running.spawn(async move {
                worker.handling(delivered).await;
                drop(permit);
            });
        }
        let deadline = *drain.borrow();
        if let Some(deadline) = deadline {
            self.finish(deadline).await;
            // What the broker had sent and nobody has begun.
            while let Ok(Some(delivered)) = timeout_at(deadline, intake.next()).await {
                delivered.receipt.hand_back();
            }
        }
    }

    /// Waits for every handler that runs. What is left at the deadline is cut off; its deliveries come again.
    pub(crate) async fn finish(&self, deadline: Instant) {
        let all = u32::from(self.parts.options.concurrency);
        if timeout_at(deadline, self.permits.acquire_many(all)).await.is_err() {
            let mut running = std::mem::take(&mut *self.running());
            while running.try_join_next().is_some() {}
            let (queue, handlers) = (&*self.parts.queue, running.len());
            tracing::warn!(queue, handlers, "handlers did not end in time; their messages are delivered again");
            running.abort_all();
            // One that blocks its thread cannot be cut off; the process ends without it.
            let _ = timeout(CUT_OFF, async { while running.join_next().await.is_some() {} }).await;
        }
    }

    /// Cuts off every handler that runs; their deliveries come again.
    pub(crate) fn abort(&self) {
        self.running().abort_all();
    }

    fn running(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What deals with a delivery. Not an async function, which would keep a place for each of its parts.
    fn handling(&self, delivered: Delivered) -> impl Future<Output = ()> + use<'_> {
        let delivery = self.read(delivered);
        let message: Arc<Message> = Arc::clone(&delivery.found.message);
        let span = message.span(&self.parts.queue);
        of_delivery(&self.parts.queue, message, self.handle(delivery)).instrument(span)
    }

    /// Reads a delivery and finds its handler, which has not begun.
    fn read(&self, Delivered { inbound, receipt }: Delivered) -> Delivery {
        let running = self.metrics.handling();
        let inbound = Arc::new(inbound);
        let (seen, unfit) = match plain(&inbound) {
            Ok(None) => (Arc::clone(&inbound), None),
            Ok(Some(opened)) => (Arc::new(opened), None),
            Err(failure) => (Arc::clone(&inbound), Some(failure)),
        };
        let (mut traced, message) = self.begin(&seen);
        let found = match unfit {
            None => self.parts.handlers.find(&seen, message),
            Some(failure) => self.parts.handlers.unfit(message, failure),
        };
        traced.describe(|about| about.text("code.function.name", found.handler));
        Delivery { inbound, receipt, traced, found, running }
    }

    async fn handle(&self, delivery: Delivery) {
        let handled = delivery.found.handled.await;
        drop(delivery.running);
        match handled {
            Ok(()) => {
                delivery.receipt.acknowledge();
                delivery.traced.end(delivery.found.message.told());
            }
            Err(failure) => {
                let (handler, message) = (delivery.found.handler, &delivery.found.message);
                // Boxed: what rarely happens shall not make the future of every delivery larger.
                Box::pin(self.fail(handler, &delivery.inbound, message, &failure, delivery.receipt)).await;
                delivery.traced.end(Some((failure.class(), &failure)));
            }
        }
    }

    /// What is handled, and its span. The message has the span's place in the trace from here on.
    fn begin(&self, seen: &Inbound) -> (Span, Message) {
        let publisher = &self.parts.publisher;
        let message = Message::read(seen, publisher.service());
        let mut span = publisher.tracer().begin(Kind::Consumer, message.trace());
        span.describe(|about| message.tell(about, &self.parts.queue, seen.body.len()));
        let message = message.at(span.trace());
        (span, message)
    }

    /// The copy is confirmed before the original is acknowledged: at no moment does neither exist.
    async fn fail(&self, handler: &str, inbound: &Inbound, message: &Message, failure: &Failure, receipt: AckReceipt) {
        let parts = &self.parts;
        let (service, queue, attempt) = (parts.publisher.service(), &*parts.queue, message.attempt());
        let failed = Failed { service, queue, handler, inbound, message, failure };
        let attempts = parts
            .options
            .attempts
            .unwrap_or_else(|| u32::try_from(parts.ladder.steps().len()).unwrap_or(u32::MAX).saturating_add(1));
        let error = failure.to_string();
        let mut notice = json!({
            "queue": queue, "message": message.name(), "message_id": message.message_id(),
            "attempt": attempt, "error": error,
        });
        let name = match verdict(failure.outcome(), attempt, attempts, &parts.ladder) {
            Settlement::Retry { delay } => {
                self.place(failed.retry(delay)).await;
                receipt.acknowledge();
                parts.metrics.retried(queue, delay, &error);
                notice["retry_in_ms"] = json!(delay.as_millis());
                names::delivery_retried(service)
            }
            Settlement::DeadLetter { reason } => {
                self.place(failed.dead_letter(reason)).await;
                receipt.acknowledge();
                parts.metrics.dead_lettered(queue, reason.as_str(), &error);
                notice["reason"] = json!(reason.as_str());
                names::delivery_dead_lettered(service)
            }
        };
        parts.publisher.notice(&name, &notice, &message.cause()).await;
    }

    /// Publishes a copy until the broker has it in a queue. Meanwhile the original stays unacknowledged and the
    /// consumer pauses.
    async fn place(&self, copy: Outgoing) {
        let publisher = &self.parts.publisher;
        let mut paused = None;
        let mut pause = |trouble: &str| {
            paused.get_or_insert_with(|| {
                self.parts.metrics.paused(&self.parts.queue, trouble);
                Stuck::new(&self.stuck)
            });
        };
        loop {
            let mut placing = pin!(publisher.place(copy.clone()));
            let placed = match timeout(publisher.patience(), &mut placing).await {
                Ok(placed) => placed,
                Err(_) => {
                    pause("no confirm in time");
                    placing.await
                }
            };
            match placed {
                Ok(settled) if settled.routed => return,
                Ok(_) => pause(&format!("no queue is bound to {} for {}", copy.exchange, copy.routing_key)),
                Err(error) => pause(&error.to_string()),
            }
            sleep(COPY_BACKOFF).await;
        }
    }
}

/// A delivery whose handler is found.
struct Delivery {
    inbound: Arc<Inbound>,
    receipt: AckReceipt,
    traced: Span,
    found: Found,
    /// Counts it among those that are handled.
    running: UnderWay,
}

/// Counts one copy that finds no place, while it lives.
struct Stuck<'a>(&'a watch::Sender<usize>);

impl<'a> Stuck<'a> {
    fn new(counter: &'a watch::Sender<usize>) -> Self {
        counter.send_modify(|copies| *copies += 1);
        Self(counter)
    }
}

impl Drop for Stuck<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|copies| *copies -= 1);
    }
}

async fn draining(drain: &mut watch::Receiver<Option<Instant>>) {
    let _ = drain.wait_for(Option::is_some).await;
}

async fn in_time<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => timeout_at(deadline, work).await.ok(),
        None => Some(work.await),
    }
}

//! A service that runs inside this process.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::OptionFuture;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};

use super::client::Parts;
use super::service::Wired;
use super::{Client, Service, Settings, StartError, admin};
use crate::broker::{Broker, BrokerError, Consume, Lane, Limits, Origin, Phase, Source, Supervisor};
use crate::consumer::{Worker, WorkerParts, panic_text};
use crate::log::{Reader, ReaderParts};
use crate::outbox::{Outbox, Relay};
use crate::publisher::Publisher;
use crate::rpc::{Mailbox, Requester};
use crate::telemetry::{Exporter, Metrics, Tracer};

/// Handles beyond the deadline what cannot wait: closing channels and connections, each bounded by itself.
const GRACE: Duration = Duration::from_secs(15);

/// A started service. It lives until [`Running::stop`] or until it fails. Dropping it ends it at once, as a crash would:
/// what it had not finished is delivered again.
///
/// For tests, and for processes that hold more than a service; a `main` has [`crate::run`].
///
/// ```no_run
/// # struct Billing;
/// # fn service() -> garenne::Service<Billing> { garenne::Service::new("billing") }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use garenne::{Address, Settings};
///
/// let settings = Settings::new(Address::parse("amqp://billing:billing@localhost:5672/%2f")?);
/// let running = service().start(Billing, settings).await?;
/// running.ready().await;
/// running.stop().await;
/// # Ok(())
/// # }
/// ```
#[must_use = "dropping it ends the service at once"]
pub struct Running<S> {
    client: Client<S>,
    admin: SocketAddr,
    drain: watch::Sender<Option<Instant>>,
    release: watch::Sender<Option<Instant>>,
    drain_time: Duration,
    workers: Vec<Arc<Worker>>,
    supervisor: JoinHandle<Result<(), BrokerError>>,
    backgrounds: JoinSet<Result<(), StartError>>,
    relay: Option<JoinHandle<()>>,
    lanes: JoinSet<()>,
    serving: JoinHandle<()>,
    stop_serving: watch::Sender<bool>,
    exporter: Option<Exporter>,
}

impl<S: Send + Sync + 'static> Service<S> {
    /// Starts the service. It connects in the background: [`Running::ready`] waits for that.
    ///
    /// # Errors
    ///
    /// When the wiring has mistakes, certificates are named for an address without TLS, the admin address cannot be used, or the system gives no thread.
    pub async fn start(mut self, state: S, settings: Settings) -> Result<Running<S>, StartError> {
        if let Some(ladder) = settings.ladder.clone() {
            self = self.retry_ladder(ladder);
        }
        let faults = self.faults();
        if !faults.is_empty() {
            return Err(StartError::Wiring(faults));
        }
        settings.check_encryption().map_err(|fault| StartError::Settings(vec![fault]))?;
        let blueprint = self.shared_blueprint();
        let service = blueprint.service.clone();
        let instance = settings.instance.as_str();
        let metrics = Arc::new(Metrics::new(&service));
        let (tracer, exporter) = match settings.traces {
            Some(traces) => {
                let certificates = settings.collector_certificates;
                let encryption = Box::new(move || certificates.read_now());
                let (tracer, exporter) = traces.export(&service, instance, metrics.spans.clone(), encryption);
                (tracer, Some(exporter))
            }
            None => (Tracer::default(), None),
        };
        let broker = Broker::new(settings.address.clone(), settings.certificates, &format!("{service}/{instance}"));
        let broker =
            Arc::new(broker.map_err(|reason| StartError::System { what: "a thread for the AMQP client", reason })?);
        let (declared, when_declared) = watch::channel(false);
        let (phase, watched_phase) = watch::channel(Phase::Waiting("not connected yet".into()));
        let (drain, watched_drain) = watch::channel(None);
        let (release, watched_release) = watch::channel(None);
        let limits = Limits { messages: settings.publish_in_flight, bytes: settings.publish_in_flight_bytes };
        let mut lanes = JoinSet::new();
        let mut lane = |direct| {
            let (lane, task) =
                Lane::new(Arc::clone(&broker), when_declared.clone(), limits, Arc::clone(&metrics), direct);
            lanes.spawn(task);
            lane
        };
        let publish_timeout = settings.publish_timeout;
        let publisher = Publisher::new(lane(None), Arc::clone(&blueprint), Arc::clone(&metrics), publish_timeout)
            .writing(self.cloud_events)
            .traced(tracer.clone());
        let mailbox = Mailbox::new(settings.requests_in_flight, Arc::clone(&metrics));
        let mut sources = Vec::new();
        let asking = if blueprint.has_reply_queue() {
            sources.push(Arc::new(mailbox.source(Arc::clone(&blueprint), instance)));
            publisher.clone()
        } else if blueprint.has_questions() {
            publisher.on(lane(Some(mailbox.direct())))
        } else {
            publisher.clone()
        };
        let requester = Requester::new(asking, Arc::clone(&blueprint), mailbox);
        let outbox = self.store.take().map(|store| Outbox::new(store(&state).clone()));
        let relay = match outbox.clone() {
            Some(outbox) => {
                let (publisher, metrics) = (publisher.clone(), Arc::clone(&metrics));
                let relay = Relay::new(outbox, publisher, metrics, settings.inbox_memory);
                let relay = relay.map_err(|reason| StartError::System {
                    what: "the file by which replicas take turns at the outbox",
                    reason,
                })?;
                Some(tokio::spawn(relay.run(watched_release.clone())))
            }
            None => None,
        };
        let readers = self.readings.iter().map(|_| watch::channel(None));
        let (stuck, watched_stuck): (Vec<_>, Vec<_>) = readers.unzip();
        let request_timeout = settings.request_timeout;
        let client = Client {
            parts: Arc::new(Parts {
                state,
                publisher: publisher.clone(),
                requester,
                outbox: outbox.clone(),
                request_timeout,
                phase: watched_phase,
                drain: watched_drain.clone(),
                stuck: watched_stuck,
            }),
        };
        if let Some(observer) = self.observer.take() {
            let blueprint = Arc::clone(&blueprint);
            let name = instance.to_owned();
            let live = move |word: &str| blueprint.live(&format!("{name}.{word}"));
            sources.push(Arc::new(Source {
                origin: Origin::Exclusive(Box::new(live)),
                consumer_tag: format!("{service}.live/{instance}"),
                prefetch: 100,
                no_ack: false,
                stays: false,
                retire: None,
                consume: observer(&client),
            }));
        }
        for ((reading, bind), stuck) in std::mem::take(&mut self.readings).into_iter().zip(stuck) {
            // The wiring has no reader without a store.
            let Some(outbox) = outbox.clone() else { continue };
            let tag = consumer_tag(&format!("{}.{}", reading.log, reading.reader), instance);
            let (handle, metrics, tracer) = (bind(&client), Arc::clone(&metrics), tracer.clone());
            let broker = Arc::clone(&broker);
            let reader = Reader::new(ReaderParts { reading, broker, outbox, handle, metrics, tracer, stuck });
            sources.push(Arc::new(reader.source(tag)));
        }
        let mut workers = Vec::new();
        for (queue, Wired { options, handlers }) in std::mem::take(&mut self.queues) {
            let handlers = handlers.bind(&client, &queue);
            let prefetch = options.prefetch_count();
            let worker = Worker::new(WorkerParts {
                queue: queue.as_str().into(),
                handlers,
                options,
                ladder: blueprint.ladder.clone(),
                publisher: publisher.clone(),
                metrics: Arc::clone(&metrics),
            });
            sources.push(Arc::new(Source {
                consumer_tag: consumer_tag(&queue, instance),
                origin: Origin::Queue(queue),
                prefetch,
                no_ack: false,
                stays: false,
                retire: None,
                consume: consume(&worker),
            }));
            workers.push(worker);
        }
        let (stop_serving, when_stopped) = watch::channel(false);
        let parts = Arc::clone(&client.parts);
        let (admin, serving) = admin::serve(settings.admin_addr, parts, Arc::clone(&metrics), when_stopped).await?;
        let topology = blueprint.topology();
        let supervisor = Supervisor {
            broker,
            topology,
            sources,
            metrics,
            phase,
            declared,
            drain: watched_drain,
            release: watched_release,
        };
        let supervisor = tokio::spawn(supervisor.run());
        let mut backgrounds = JoinSet::new();
        for background in std::mem::take(&mut self.backgrounds) {
            let task = (background.run)(client.clone());
            let name = background.name;
            backgrounds.spawn(async move {
                let ended = AssertUnwindSafe(task).catch_unwind().await;
                let ended = ended.unwrap_or_else(|panic| Err(format!("panicked: {}", panic_text(panic.as_ref()))));
                ended.map_err(|reason| StartError::Background { name, reason })
            });
        }
        tracing::info!(service, instance, broker = %settings.address, admin = %admin, "started");
        let drain_time = settings.drain;
        Ok(Running {
            client,
            admin,
            drain,
            release,
            drain_time,
            workers,
            supervisor,
            backgrounds,
            relay,
            lanes,
            serving,
            stop_serving,
            exporter,
        })
    }
}

/// What the management UI calls the consumer. AMQP allows 255 bytes; the instance says more than the end of a long queue's name.
fn consumer_tag(queue: &str, instance: &str) -> String {
    let room = 254_usize.saturating_sub(instance.len());
    format!("{}/{instance}", queue.get(..room).unwrap_or(queue))
}

fn consume(worker: &Arc<Worker>) -> Consume {
    let worker = Arc::clone(worker);
    Arc::new(move |intake| Box::pin(Arc::clone(&worker).consume(intake)))
}

impl<S: Send + Sync + 'static> Running<S> {
    /// Publishes and asks from outside of the handlers.
    #[must_use]
    pub fn client(&self) -> Client<S> {
        self.client.clone()
    }

    /// Where health and metrics are served.
    #[must_use]
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin
    }

    /// Waits until the service consumes and can publish. `false` when it ended instead.
    pub async fn ready(&self) -> bool {
        let mut phase = self.client.parts.phase.clone();
        let mut lane = self.client.parts.publisher.lane().state();
        let mut asking = self.client.parts.requester.lane().state();
        while !self.client.ready() {
            tokio::select! {
                Ok(()) = phase.changed() => {}
                Ok(()) = lane.changed() => {}
                Ok(()) = asking.changed() => {}
                else => return false,
            }
        }
        true
    }

    /// Waits until the service fails, once. One that runs well never does.
    pub async fn failed(&mut self) -> StartError {
        loop {
            tokio::select! {
                ended = &mut self.supervisor => return supervision_ended(ended),
                // Without its supervisor a lane ends too, and the supervisor knows why.
                Some(ended) = self.lanes.join_next() => return match timeout(Duration::from_secs(1), &mut self.supervisor).await {
                    Ok(cause) => supervision_ended(cause),
                    Err(_) => fell_over("publishing lane", ended),
                },
                ended = &mut self.serving => return fell_over("admin endpoint", ended),
                Some(ended) = OptionFuture::from(self.relay.as_mut()) => return fell_over("relay of the outbox", ended),
                Some(ended) = self.backgrounds.join_next() => match ended {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return error,
                    Err(panic) => return StartError::Background { name: "task", reason: panic.to_string() },
                },
            }
        }
    }

    /// Drains and ends: readiness goes off, no more is asked of the queues, what was begun and what the broker had sent
    /// already is handled while the drain time allows, what is left goes back, what was published is confirmed, the
    /// connections close. All of it takes the drain time and 15 s at most.
    pub async fn stop(mut self) {
        let deadline = Instant::now() + self.drain_time;
        self.drain.send_replace(Some(deadline));
        tracing::info!(seconds = self.drain_time.as_secs(), "draining");
        let _ = timeout_at(deadline, async { while self.backgrounds.join_next().await.is_some() {} }).await;
        self.backgrounds.shutdown().await;
        // A handler may wait for a reply, so replies are taken until the last one has ended.
        let mut phase = self.client.parts.phase.clone();
        let drained = phase.wait_for(|phase| matches!(phase, Phase::Drained | Phase::Stopped));
        let _ = timeout_at(deadline + GRACE, drained).await.map(drop);
        for worker in &self.workers {
            worker.finish(deadline).await;
        }
        self.release.send_replace(Some(deadline));
        if let Some(relay) = self.relay.as_mut().filter(|relay| !relay.is_finished()) {
            // What is not confirmed by then stays in the outbox.
            let _ = timeout_at(deadline + GRACE, relay).await;
        }
        if !self.supervisor.is_finished() {
            let _ = timeout_at(deadline + GRACE, &mut self.supervisor).await;
        }
        self.client.parts.publisher.lane().close();
        self.client.parts.requester.close();
        self.stop_serving.send_replace(true);
        let _ = timeout_at(deadline + GRACE, async { while self.lanes.join_next().await.is_some() {} }).await;
        if !self.serving.is_finished() {
            let _ = timeout_at(deadline + GRACE, &mut self.serving).await;
        }
        if let Some(exporter) = self.exporter.take() {
            exporter.finish(deadline + GRACE).await;
        }
        tracing::info!("stopped");
    }
}

fn supervision_ended(ended: Result<Result<(), BrokerError>, JoinError>) -> StartError {
    match ended {
        Ok(Err(error)) => StartError::Broker(error),
        Ok(Ok(())) => fell_over("supervisor", Ok(())),
        Err(panic) => fell_over("supervisor", Err(panic)),
    }
}

/// A part of the service that should run as long as the service does has ended.
fn fell_over(name: &'static str, ended: Result<(), JoinError>) -> StartError {
    let reason = ended.err().map_or_else(|| "ended before it was asked to".to_owned(), |panic| panic.to_string());
    StartError::Background { name, reason }
}

impl<S> Drop for Running<S> {
    fn drop(&mut self) {
        self.supervisor.abort();
        self.backgrounds.abort_all();
        self.workers.iter().for_each(|worker| worker.abort());
        if let Some(relay) = &self.relay {
            relay.abort();
        }
        self.lanes.abort_all();
        self.serving.abort();
    }
}

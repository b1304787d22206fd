//! Publishes typed messages.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use garenne_contract::{Event, MessageName, Request};
use serde::Serialize;
use tokio::time::Instant;

use super::envelope::set_trace;
use super::spans::about_outgoing;
use super::{Cause, CloudEvents, Envelope, Operation, Receipt, Role, header};
use crate::broker::{Confirmed, FOR_EVER, Lane, Outgoing, Properties, PublishError};
use crate::telemetry::{Kind, Metrics, Span, Trace, Tracer};
use crate::topology::{Blueprint, Exit, names};

/// The largest body, in bytes: what brokers since 4.0 take.
pub(crate) const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// A handle to the service's publishing lane.
#[derive(Debug, Clone)]
pub(crate) struct Publisher(Arc<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    lane: Lane,
    blueprint: Arc<Blueprint>,
    metrics: Arc<Metrics>,
    /// How long a confirm is waited for.
    patience: Duration,
    /// If events are CloudEvents too.
    cloud_events: Option<CloudEvents>,
    tracer: Tracer,
}

impl Publisher {
    pub(crate) fn new(lane: Lane, blueprint: Arc<Blueprint>, metrics: Arc<Metrics>, patience: Duration) -> Self {
        Self(Arc::new(Parts { lane, blueprint, metrics, patience, cloud_events: None, tracer: Tracer::default() }))
    }

    /// Makes spans of what it sends.
    pub(crate) fn traced(self, tracer: Tracer) -> Self {
        Self(Arc::new(Parts { tracer, ..Parts::clone(&self.0) }))
    }

    /// Writes events as CloudEvents too.
    pub(crate) fn writing(self, cloud_events: Option<CloudEvents>) -> Self {
        Self(Arc::new(Parts { cloud_events, ..Parts::clone(&self.0) }))
    }

    pub(crate) fn service(&self) -> &str {
        &self.0.blueprint.service
    }

    /// Whether requests of clients that know only `reply_to` are answered.
    pub(crate) fn answers_foreign_clients(&self) -> bool {
        self.0.blueprint.answers_foreign_clients
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// What makes the spans of the service.
    pub(crate) fn tracer(&self) -> &Tracer {
        &self.0.tracer
    }

    /// How long a confirm is waited for.
    pub(crate) fn patience(&self) -> Duration {
        self.0.patience
    }

    pub(crate) fn lane(&self) -> &Lane {
        &self.0.lane
    }

    /// An event of this service as it stands on the wire, at this place in its trace.
    pub(crate) fn seal<E: Event>(&self, event: &E, cause: &Cause, trace: &Trace) -> Result<Outgoing, PublishError> {
        let (name, service) = (E::NAME.as_str(), self.service());
        if self.0.blueprint.publishes.contains(&E::NAME) {
            let exchange = names::events(E::NAME.owner());
            let envelope =
                Envelope { exchange, routing_key: name, kind: name, service, role: Role::Tells, cause, trace };
            return self.write(envelope, event);
        }
        let Some(exit) = self.exit::<E>() else {
            let service = service.to_owned();
            return Err(PublishError::Undeclared { message: name, service, method: "publishes" });
        };
        let (exchange, routing_key) = (exit.exchange.clone(), exit.key.as_str());
        let envelope = Envelope { exchange, routing_key, kind: name, service, role: Role::Tells, cause, trace };
        Ok(envelope.seal(wrapped(exit, &encode(name, event)?)))
    }

    /// Where an event goes that is not for an exchange of its owner.
    fn exit<E: Event>(&self) -> Option<&Exit> {
        self.0.blueprint.exits.get(&E::NAME).filter(|exit| !exit.asks)
    }

    /// Seals something that this service says.
    fn write(&self, envelope: Envelope<'_>, event: &impl Serialize) -> Result<Outgoing, PublishError> {
        let name = envelope.kind;
        let mut outgoing = envelope.seal(Vec::new());
        if let Some(cloud_events) = self.0.cloud_events {
            cloud_events.mark(&mut outgoing.properties);
        }
        outgoing.body = self.body(name, event, &outgoing.properties)?;
        Ok(outgoing)
    }

    fn body(&self, name: &str, event: &impl Serialize, properties: &Properties) -> Result<Vec<u8>, PublishError> {
        match self.0.cloud_events {
            None => encode(name, event),
            Some(cloud_events) => cloud_events.body(name, event, properties),
        }
    }

    /// A command as it stands on the wire: a request that nobody waits for.
    pub(crate) fn seal_command<R: Request>(
        &self,
        request: &R,
        cause: &Cause,
        trace: &Trace,
    ) -> Result<Outgoing, PublishError> {
        let name = R::NAME.as_str();
        if !self.0.blueprint.asks.contains(&R::NAME) {
            return Err(self.not_asked(R::NAME));
        }
        let exchange = names::requests(R::NAME.owner());
        let service = self.service();
        let envelope = Envelope { exchange, routing_key: name, kind: name, service, role: Role::Tells, cause, trace };
        Ok(envelope.seal(encode(name, request)?))
    }

    /// Why a request that goes to no exchange of its owner is not sent there.
    pub(crate) fn not_asked(&self, request: MessageName) -> PublishError {
        let message = request.as_str();
        match self.0.blueprint.exits.get(&request) {
            Some(exit) if exit.asks => PublishError::OnlyAsked { message },
            _ => PublishError::Undeclared { message, service: self.service().to_owned(), method: "asks" },
        }
    }

    /// Publishes a command and returns once the broker has it in its owner's queue.
    pub(crate) async fn command<R: Request>(&self, request: &R, cause: &Cause) -> Result<(), PublishError> {
        let span = self.begin(&cause.trace);
        let outgoing = self.seal_command(request, cause, span.trace())?;
        let settled = self.send(span, outgoing).await?;
        if settled.routed { Ok(()) } else { Err(PublishError::NobodyThere { message: R::NAME.to_string() }) }
    }

    /// The same publisher on another lane.
    pub(crate) fn on(&self, lane: Lane) -> Self {
        Self(Arc::new(Parts { lane, ..Parts::clone(&self.0) }))
    }

    /// Publishes an event of this service and returns once the broker has confirmed it.
    pub(crate) async fn event<E: Event>(&self, event: &E, cause: &Cause) -> Result<Receipt, PublishError> {
        let mut span = self.begin(&cause.trace);
        let outgoing = self.seal(event, cause, span.trace())?;
        span.describe(|about| about_outgoing(about, Operation::SEND, &outgoing));
        let sent = self.send_event(event, outgoing).await;
        ended(span, &sent);
        sent
    }

    async fn send_event<E: Event>(&self, event: &E, mut outgoing: Outgoing) -> Result<Receipt, PublishError> {
        let (name, began) = (E::NAME.as_str(), Instant::now());
        let room = match self.0.lane.room_now(outgoing.weight()) {
            Some(room) => room,
            None => {
                // What waits for room is the event itself, which its publisher holds anyway, and not its JSON as well.
                let weight = outgoing.weight();
                outgoing.body = Vec::new();
                let room = Box::pin(self.0.lane.room(name, weight, self.0.patience)).await?;
                outgoing.body = match self.exit::<E>() {
                    None => self.body(name, event, &outgoing.properties)?,
                    Some(exit) => wrapped(exit, &encode(name, event)?),
                };
                room
            }
        };
        let published = self.0.metrics.published(name);
        let settled = self.0.lane.publish_in(room, outgoing, published, began, self.0.patience).await?;
        if !settled.routed && self.exit::<E>().is_some_and(Exit::is_a_queue) {
            return Err(PublishError::NobodyThere { message: name.to_owned() });
        }
        Ok(Receipt::new(Some(settled.routed)))
    }

    /// Publishes something that this service says about itself; whether it arrives is of no consequence.
    pub(crate) async fn notice(&self, name: &str, body: &serde_json::Value, cause: &Cause) {
        let exchange = names::events(self.service());
        let (service, span) = (self.service(), self.begin(&cause.trace));
        let trace = span.trace();
        let envelope = Envelope { exchange, routing_key: name, kind: name, service, role: Role::Tells, cause, trace };
        let published = match self.write(envelope, body) {
            Ok(outgoing) => self.send(span, outgoing).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = published {
            tracing::debug!(%error, "a notice was not published");
        }
    }

    /// Publishes the copy of a failed message. It is counted where it failed: its type is the sender's word, and a
    /// counter for each would grow without end.
    ///
    /// Waits as long as it takes: a copy that was given up may be sent all the same, and a second one would be a double.
    pub(crate) async fn place(&self, copy: Outgoing) -> Result<Confirmed, PublishError> {
        let exchange = copy.exchange.clone();
        let settled = self.0.lane.publish(copy, None, FOR_EVER).await?;
        if !settled.routed {
            self.0.lane.note_missing(&exchange);
        }
        Ok(settled)
    }

    /// The span of a message that will be sent. It has to have this place when it is sealed.
    pub(crate) fn begin(&self, parent: &Trace) -> Span {
        self.0.tracer.begin(Kind::Producer, parent)
    }

    /// Publishes anything within its span, and waits for the confirm.
    pub(crate) fn send(
        &self,
        mut span: Span,
        outgoing: Outgoing,
    ) -> impl Future<Output = Result<Confirmed, PublishError>> {
        span.describe(|about| about_outgoing(about, Operation::SEND, &outgoing));
        let published = self.0.metrics.published(outgoing.properties.kind.as_deref().unwrap_or_default());
        self.0.lane.publish(outgoing, Some(published), self.0.patience).inspect(move |sent| ended(span, sent))
    }

    /// Publishes what was committed. It has the place of the handling that wrote it, and gets its own now.
    pub(crate) async fn relay(&self, mut outgoing: Outgoing) -> Result<Confirmed, PublishError> {
        let written = outgoing.properties.text(header::TRACEPARENT).filter(|_| self.0.tracer.is_on());
        let written = written.and_then(|place| Trace::parse(place, outgoing.properties.text(header::TRACESTATE)));
        let span = match written {
            Some(written) => {
                let span = self.begin(&written);
                set_trace(&mut outgoing.properties, span.trace());
                span
            }
            None => Span::none(),
        };
        self.send(span, outgoing).await
    }

    /// Publishes a message of this name, and waits for the confirm as long as its caller does.
    pub(crate) fn send_patiently(
        &self,
        name: &str,
        outgoing: Outgoing,
    ) -> impl Future<Output = Result<Confirmed, PublishError>> {
        self.0.lane.publish_patiently(outgoing, self.0.metrics.published(name))
    }
}

fn ended<T>(span: Span, sent: &Result<T, PublishError>) {
    span.end(sent.as_ref().err().map(|error| (error.class(), error as &dyn Display)));
}

/// The body of a message that foreign servers take.
fn wrapped(exit: &Exit, json: &[u8]) -> Vec<u8> {
    let (before, after) = &exit.around;
    [before.as_bytes(), json, after.as_bytes()].concat()
}

/// The JSON of a message.
pub(crate) fn encode(name: &str, message: &impl Serialize) -> Result<Vec<u8>, PublishError> {
    let body = serde_json::to_vec(message)
        .map_err(|error| PublishError::Encoding { message: name.to_owned(), reason: error.to_string() })?;
    if body.len() > BODY_LIMIT {
        return Err(PublishError::TooLarge { message: name.to_owned(), bytes: body.len(), limit: BODY_LIMIT });
    }
    Ok(body)
}

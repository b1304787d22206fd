//! Publishes typed messages.

use std::sync::Arc;
use std::time::Duration;

use garenne_contract::Event;
use serde::Serialize;
use tokio::time::Instant;

use super::{Cause, Envelope, Receipt};
use crate::broker::{Confirmed, Lane, Outgoing, PublishError};
use crate::telemetry::Metrics;
use crate::topology::{Blueprint, names};

/// The largest body, in bytes: what brokers since 4.0 take.
pub(crate) const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// Ten years: a deadline has to be a moment that the clock can name.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// A handle to the service's publishing lane.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    lane: Lane,
    blueprint: Arc<Blueprint>,
    metrics: Arc<Metrics>,
    /// How long a confirm is waited for.
    patience: Duration,
}

impl Publisher {
    pub(crate) fn new(lane: Lane, blueprint: Arc<Blueprint>, metrics: Arc<Metrics>, patience: Duration) -> Self {
        Self { lane, blueprint, metrics, patience }
    }

    pub(crate) fn service(&self) -> &str {
        &self.blueprint.service
    }

    /// Whether requests of clients that know only `reply_to` are answered.
    pub(crate) fn answers_foreign_clients(&self) -> bool {
        self.blueprint.answers_foreign_clients
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// How long a confirm is waited for.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    pub(crate) fn lane(&self) -> &Lane {
        &self.lane
    }

    /// An event of this service as it stands on the wire.
    pub(crate) fn seal<E: Event>(&self, event: &E, cause: &Cause) -> Result<Outgoing, PublishError> {
        let name = E::NAME.as_str();
        if !self.blueprint.publishes.contains(&E::NAME) {
            let service = self.service().to_owned();
            return Err(PublishError::Undeclared { message: name, service, method: "publishes" });
        }
        let envelope = Envelope {
            exchange: names::events(E::NAME.owner()),
            routing_key: name,
            kind: name,
            service: self.service(),
            cause,
        };
        Ok(envelope.seal(encode(name, event)?))
    }

    /// Publishes an event of this service and returns once the broker has confirmed it.
    pub(crate) async fn event<E: Event>(&self, event: &E, cause: &Cause) -> Result<Receipt, PublishError> {
        let (name, began) = (E::NAME.as_str(), Instant::now());
        let mut outgoing = self.seal(event, cause)?;
        let room = match self.lane.room_now(outgoing.weight()) {
            Some(room) => room,
            None => {
                // What waits for room is the event itself, which its publisher holds anyway, and not its JSON as well.
                let weight = outgoing.weight();
                outgoing.body = Vec::new();
                let room = self.lane.room(name, weight, self.patience).await?;
                outgoing.body = encode(name, event)?;
                room
            }
        };
        self.metrics.published(name);
        let settled = self.lane.publish_in(room, outgoing, began, self.patience).await?;
        self.metrics.confirmed(name, settled.routed);
        Ok(Receipt::new(Some(settled.routed)))
    }

    /// Publishes something that this service says about itself; whether it arrives is of no consequence.
    pub(crate) async fn notice(&self, name: &str, body: &serde_json::Value, cause: &Cause) {
        let exchange = names::events(self.service());
        let envelope = Envelope { exchange, routing_key: name, kind: name, service: self.service(), cause };
        if let Err(error) = self.send(envelope.seal(body.to_string().into_bytes())).await {
            tracing::debug!(%error, "a notice was not published");
        }
    }

    /// Publishes the copy of a failed message. It is counted where it failed: its type is the sender's word, and a
    /// counter for each would grow without end.
    ///
    /// Waits as long as it takes: a copy that was given up may be sent all the same, and a second one would be a double.
    pub(crate) async fn place(&self, copy: Outgoing) -> Result<Confirmed, PublishError> {
        let exchange = copy.exchange.clone();
        let settled = self.lane.publish(copy, FOR_EVER).await?;
        if !settled.routed {
            self.lane.note_missing(&exchange);
        }
        Ok(settled)
    }

    /// Publishes anything, and waits for the confirm.
    pub(crate) async fn send(&self, outgoing: Outgoing) -> Result<Confirmed, PublishError> {
        self.send_within(outgoing, self.patience).await
    }

    pub(crate) async fn send_within(&self, outgoing: Outgoing, patience: Duration) -> Result<Confirmed, PublishError> {
        let kind = outgoing.properties.kind.clone().unwrap_or_default();
        self.metrics.published(&kind);
        let settled = self.lane.publish(outgoing, patience).await?;
        self.metrics.confirmed(&kind, settled.routed);
        Ok(settled)
    }
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

//! The properties that every message of ours has.

use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use super::{Cause, header};
use crate::broker::{Outgoing, Properties};
use crate::telemetry::Trace;

/// What a message needs beside its body.
pub(crate) struct Envelope<'a> {
    pub(crate) exchange: String,
    pub(crate) routing_key: &'a str,
    /// The message's name.
    pub(crate) kind: &'a str,
    pub(crate) service: &'a str,
    pub(crate) role: Role<'a>,
    pub(crate) cause: &'a Cause,
    /// The message's own place in its trace.
    pub(crate) trace: &'a Trace,
}

/// What a message is in its conversation.
pub(crate) enum Role<'a> {
    /// Its next message.
    Tells,
    /// A request of this id, which its reply bears.
    Asks(&'a str),
    /// The reply to a request of this correlation id, if its caller has given one.
    Answers(Option<&'a str>),
}

impl Envelope<'_> {
    pub(crate) fn seal(self, body: Vec<u8>) -> Outgoing {
        let now = now_in_milliseconds();
        let (id, correlation_id) = match self.role {
            Role::Tells => (None, Some(&*self.cause.conversation)),
            Role::Asks(id) => (Some(id), Some(id)),
            Role::Answers(correlation_id) => (None, correlation_id),
        };
        let mut properties = Properties {
            message_id: Some(id.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)),
            kind: Some(self.kind.to_owned()),
            app_id: Some(self.service.to_owned()),
            correlation_id: correlation_id.map(str::to_owned),
            content_type: Some("application/json".to_owned()),
            timestamp: Some(now / 1000),
            ..Properties::default()
        };
        properties.set_integer(header::SENT_AT, now);
        set_trace(&mut properties, self.trace);
        if let Some(id) = &self.cause.causation_id {
            properties.set_text(header::CAUSATION_ID, &**id);
        }
        Outgoing { exchange: self.exchange, routing_key: self.routing_key.to_owned(), body, properties }
    }
}

/// Says where a message belongs.
pub(super) fn set_trace(properties: &mut Properties, trace: &Trace) {
    properties.set_text(header::TRACEPARENT, trace.to_string());
    if let Some(state) = &trace.state {
        properties.set_text(header::TRACESTATE, state.clone());
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_in_milliseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

//! Messages as the rest of the library sees them: no channel, no delivery tag, no lapin type.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{AckReceipt, Arrived, HeaderValue, Headers};

/// A message to publish.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) exchange: String,
    pub(crate) routing_key: String,
    pub(crate) body: Vec<u8>,
    pub(crate) properties: Properties,
}

/// A message that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Inbound {
    pub(crate) exchange: String,
    pub(crate) routing_key: String,
    pub(crate) redelivered: bool,
    pub(crate) body: Vec<u8>,
    pub(crate) properties: Arrived,
}

/// A message that arrived, and what settles it.
#[derive(Debug)]
pub(crate) struct Delivered {
    pub(crate) inbound: Inbound,
    pub(crate) receipt: AckReceipt,
}

/// The properties that travel beside a body. All may be absent in what a foreign client sends.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Properties {
    pub(crate) message_id: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) app_id: Option<String>,
    pub(crate) correlation_id: Option<String>,
    pub(crate) reply_to: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) content_encoding: Option<String>,
    /// Milliseconds after which the broker drops the message from a queue.
    pub(crate) expiration: Option<String>,
    /// Seconds since 1970.
    pub(crate) timestamp: Option<u64>,
    pub(crate) headers: Headers,
}

impl Outgoing {
    /// The message's name, or else where it goes.
    pub(crate) fn name(&self) -> &str {
        self.properties.kind.as_deref().unwrap_or(&self.routing_key)
    }

    /// About how many bytes it takes while it waits for its confirm.
    pub(crate) fn weight(&self) -> usize {
        self.body.len() + self.properties.weight()
    }
}

impl Inbound {
    /// One that comes for the first time.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn of(
        exchange: &str,
        routing_key: &str,
        body: impl Into<Vec<u8>>,
        properties: impl Into<Arrived>,
    ) -> Self {
        Self {
            exchange: exchange.to_owned(),
            routing_key: routing_key.to_owned(),
            redelivered: false,
            body: body.into(),
            properties: properties.into(),
        }
    }

    /// The same delivery with what its body holds.
    pub(crate) fn opened(&self, body: Vec<u8>, properties: Arrived) -> Self {
        let (exchange, routing_key) = (self.exchange.clone(), self.routing_key.clone());
        Self { exchange, routing_key, redelivered: self.redelivered, body, properties }
    }

    /// About how many bytes it takes while it waits to be read. Every header is copied to tell.
    pub(crate) fn weight(&self) -> usize {
        self.body.len() + Properties::from(&self.properties).weight()
    }
}

impl Properties {
    fn weight(&self) -> usize {
        /// The properties of fixed length, and what is kept beside a message.
        const AROUND: usize = 512;
        let header = |(name, value): (&Cow<'static, str>, &HeaderValue)| name.len() + value.weight();
        AROUND + self.headers.iter().map(header).sum::<usize>()
    }

    pub(crate) fn text(&self, header: &str) -> Option<&str> {
        self.headers.get(header).and_then(HeaderValue::as_text)
    }

    pub(crate) fn integer(&self, header: &str) -> Option<i64> {
        self.headers.get(header).and_then(HeaderValue::as_integer)
    }

    pub(crate) fn set_text(&mut self, header: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        self.headers.insert(header.into(), HeaderValue::Text(value.into()));
    }

    pub(crate) fn set_integer(&mut self, header: impl Into<Cow<'static, str>>, value: impl TryInto<i64>) {
        self.headers.insert(header.into(), HeaderValue::Integer(value.try_into().unwrap_or(i64::MAX)));
    }
}

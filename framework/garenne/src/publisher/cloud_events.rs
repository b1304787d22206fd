//! Events as CloudEvents 1.0, for receivers that know nothing else.

use serde::Serialize;

use super::{encode, header, to_rfc3339};
use crate::broker::{Properties, PublishError};

/// The media type of structured mode.
pub(crate) const STRUCTURED: &str = "application/cloudevents+json";
/// The version that is written and read.
pub(crate) const VERSION: &str = "1.0";
/// What the name of an attribute's header begins with, in the form that the specification prefers.
pub(crate) const PREFIX: &str = "cloudEvents_";

/// How a service writes its events as [CloudEvents](https://cloudevents.io) 1.0, besides the plain properties that every
/// event has. `source` is `urn:garenne:service:<service>`, `type` the event's name, `id` its message id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloudEvents {
    /// The attributes in headers, `cloudEvents_id` and so on. The body stays the event's plain JSON, so that who knows no
    /// CloudEvents reads it as before.
    Binary,
    /// Attributes and event as one JSON object, `application/cloudevents+json`. Only who knows CloudEvents reads it.
    Structured,
}

/// An event in structured mode.
#[derive(Serialize)]
struct Envelope<'a, E> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    time: &'a str,
    datacontenttype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlationid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causationid: Option<&'a str>,
    data: &'a E,
}

/// The attributes that an event's properties give.
struct Attributes {
    id: String,
    source: String,
    kind: String,
    time: String,
}

impl Attributes {
    fn of(properties: &Properties) -> Self {
        let sent_at = properties.integer(header::SENT_AT).and_then(|sent| u64::try_from(sent).ok());
        Self {
            id: properties.message_id.clone().unwrap_or_default(),
            source: format!("urn:garenne:service:{}", properties.app_id.as_deref().unwrap_or_default()),
            kind: properties.kind.clone().unwrap_or_default(),
            time: to_rfc3339(sent_at.unwrap_or_default()),
        }
    }
}

impl CloudEvents {
    /// Says beside the body that it is a CloudEvent.
    pub(crate) fn mark(self, properties: &mut Properties) {
        match self {
            Self::Binary => {
                let Attributes { id, source, kind, time } = Attributes::of(properties);
                let version = VERSION.to_owned();
                for (name, value) in
                    [("specversion", version), ("id", id), ("source", source), ("type", kind), ("time", time)]
                {
                    properties.set_text(format!("{PREFIX}{name}"), value);
                }
            }
            Self::Structured => properties.content_type = Some(STRUCTURED.to_owned()),
        }
    }

    /// The body of an event with these properties.
    pub(crate) fn body(
        self,
        name: &str,
        event: &impl Serialize,
        properties: &Properties,
    ) -> Result<Vec<u8>, PublishError> {
        if self == Self::Binary {
            return encode(name, event);
        }
        let Attributes { id, source, kind, time } = Attributes::of(properties);
        let envelope = Envelope {
            specversion: VERSION,
            id: &id,
            source: &source,
            kind: &kind,
            time: &time,
            datacontenttype: "application/json",
            correlationid: properties.correlation_id.as_deref(),
            causationid: properties.text(header::CAUSATION_ID),
            data: event,
        };
        encode(name, &envelope)
    }
}

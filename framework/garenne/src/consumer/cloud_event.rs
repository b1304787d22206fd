//! CloudEvents 1.0 as others send them: the attributes in headers (binary mode), or attributes and data in one JSON object
//! (structured mode). What the properties say goes before; attributes fill what they leave out.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Failure;
use super::message::sent_at;
use crate::broker::{Arrived, HeaderValue, Inbound, Properties, SHORT_STRING_LIMIT};
use crate::publisher::{PREFIX, STRUCTURED, VERSION, from_rfc3339, header};
use crate::retry::Reason;

/// How the media types of all formats and of batches begin.
const FAMILY: &str = "application/cloudevents";
/// What the names of headers begin with: in the AMQP binding's two forms, and in the RabbitMQ binding of Knative's.
const PREFIXES: [&str; 3] = [PREFIX, "cloudEvents:", "ce-"];

/// An event in structured mode. Extensions may have any type.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    specversion: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    time: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    datacontenttype: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data_base64: Option<Cow<'a, str>>,
    #[serde(default)]
    correlationid: Value,
    #[serde(default)]
    traceparent: Value,
    #[serde(default)]
    tracestate: Value,
}

/// An attribute of an event in binary mode, with any of the prefixes in use. What is too long to go on as a property is none.
pub(super) fn attribute<'a>(properties: &'a Arrived, name: &str) -> Option<&'a str> {
    text(properties, name).filter(|text| text.len() <= SHORT_STRING_LIMIT)
}

fn text<'a>(properties: &'a Arrived, name: &str) -> Option<&'a str> {
    PREFIXES.iter().find_map(|prefix| properties.text(&format!("{prefix}{name}")))
}

/// The id in binary mode, as [`identity`].
pub(super) fn id(properties: &Arrived) -> Option<String> {
    identity(attribute(properties, "source"), attribute(properties, "id")?)
}

/// What names an event: an id is its source's own. `None` when it is too long to go on as a property.
fn identity(source: Option<&str>, id: &str) -> Option<String> {
    let identity = source.map_or_else(|| id.to_owned(), |source| format!("{source} {id}"));
    Some(identity).filter(|identity| identity.len() <= SHORT_STRING_LIMIT)
}

/// The properties with what the attributes of an event in binary mode say of what they leave out.
pub(super) fn filled(properties: Arrived) -> Arrived {
    let id = if properties.message_id().is_none() { id(&properties) } else { None };
    let source = if properties.app_id().is_none() { attribute(&properties, "source").map(str::to_owned) } else { None };
    if id.is_none() && source.is_none() {
        return properties;
    }
    let properties = Properties::from(&properties);
    Properties { message_id: properties.message_id.or(id), app_id: properties.app_id.or(source), ..properties }.into()
}

/// When the event happened, in binary mode, in milliseconds since 1970.
pub(super) fn time(properties: &Arrived) -> Option<u64> {
    match PREFIXES.iter().find_map(|prefix| properties.header(&format!("{prefix}time")))? {
        HeaderValue::Text(text) => from_rfc3339(&text),
        HeaderValue::Timestamp(seconds) => seconds.checked_mul(1000),
        // A timestamp of AMQP 1.0, for which 0-9-1 has no type.
        HeaderValue::Integer(milliseconds) => u64::try_from(milliseconds).ok(),
        _ => None,
    }
}

/// Why an event in binary mode is given up: it is of a version whose attributes may mean something else, and they are needed.
pub(super) fn unfit(properties: &Arrived) -> Option<Failure> {
    if properties.kind().is_some() && properties.message_id().is_some() {
        return None;
    }
    let needed = ["type", "id", "source", "specversion"];
    let text = if let Some(text) = needed.into_iter().find_map(|name| too_long(name, text(properties, name)?)) {
        format!("the CloudEvent's {text}")
    } else {
        let version = attribute(properties, "specversion").filter(|version| *version != VERSION)?;
        format!("CloudEvents {version:?} is not read; send specversion {VERSION:?}")
    };
    Some(Failure::hopeless(text, Reason::Malformed))
}

fn too_long(name: &str, text: &str) -> Option<String> {
    let bytes = text.len();
    (bytes > SHORT_STRING_LIMIT).then(|| format!("{name} has {bytes} bytes; send at most {SHORT_STRING_LIMIT}"))
}

/// The delivery as if its event had come in plain: its data as the body, its attributes where the properties leave something
/// out. `None` when it is no event in structured mode.
pub(super) fn open(inbound: &Inbound) -> Option<Result<Inbound, Failure>> {
    let content_type = inbound.properties.content_type()?;
    let family = content_type.get(..FAMILY.len())?;
    if !family.eq_ignore_ascii_case(FAMILY) {
        return None;
    }
    if !essence(content_type).eq_ignore_ascii_case(STRUCTURED) {
        let text = format!("{content_type:?} is not read; send each event by itself as {STRUCTURED:?}");
        return Some(Err(Failure::hopeless(text, Reason::Malformed)));
    }
    let opened = opened(inbound)
        .map_err(|text| Failure::hopeless(format!("the CloudEvent cannot be read: {text}"), Reason::Undecodable));
    Some(opened)
}

fn opened(inbound: &Inbound) -> Result<Inbound, String> {
    let event: Event<'_> = serde_json::from_slice(&inbound.body).map_err(|error| error.to_string())?;
    let optional = [("time", &event.time), ("datacontenttype", &event.datacontenttype)];
    let optional = optional.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?)));
    let required =
        [("type", &event.kind), ("id", &event.id), ("source", &event.source), ("specversion", &event.specversion)];
    if let Some(text) = required.into_iter().chain(optional).find_map(|(name, text)| too_long(name, text)) {
        return Err(text);
    }
    if event.specversion != VERSION {
        return Err(format!("specversion is {:?}; send {VERSION:?}", event.specversion));
    }
    for (name, value) in [("id", &event.id), ("source", &event.source), ("type", &event.kind)] {
        if value.is_empty() {
            return Err(format!("{name} is empty"));
        }
    }
    let identity = identity(Some(&*event.source), &event.id)
        .ok_or_else(|| format!("source and id have more than {SHORT_STRING_LIMIT} bytes together"))?;
    let time = match event.time.as_deref() {
        None => None,
        Some(text) => {
            Some(from_rfc3339(text).ok_or_else(|| format!("time is {text:?}; send RFC 3339, 2026-11-26T22:13:17Z"))?)
        }
    };
    let body = event.body()?;
    let mut properties = Properties::from(&inbound.properties);
    properties.message_id.get_or_insert(identity);
    properties.kind.get_or_insert_with(|| event.kind.clone().into_owned());
    properties.app_id.get_or_insert_with(|| event.source.clone().into_owned());
    if let Some(id) = event.correlationid.as_str().filter(|id| id.len() <= SHORT_STRING_LIMIT) {
        properties.correlation_id.get_or_insert_with(|| id.to_owned());
    }
    if let (None, Some(time)) = (sent_at(inbound), time) {
        properties.set_integer(header::SENT_AT, time);
    }
    if properties.text(header::TRACEPARENT).is_none()
        && let Some(parent) = event.traceparent.as_str()
    {
        properties.set_text(header::TRACEPARENT, parent);
        if let Some(state) = event.tracestate.as_str() {
            properties.set_text(header::TRACESTATE, state);
        }
    }
    let content_type = event.datacontenttype.map_or_else(|| "application/json".to_owned(), Cow::into_owned);
    properties.content_type = Some(content_type);
    Ok(inbound.opened(body, properties.into()))
}

impl Event<'_> {
    /// The data in the form that `datacontenttype` names.
    fn body(&self) -> Result<Vec<u8>, String> {
        match (self.data, self.data_base64.as_deref()) {
            (Some(_), Some(_)) => Err("it has both data and data_base64".to_owned()),
            (None, None) => Ok(Vec::new()),
            (None, Some(text)) => STANDARD.decode(text).map_err(|error| format!("data_base64: {error}")),
            (Some(data), None) => match self.datacontenttype.as_deref().filter(|kind| !is_json(kind)) {
                None => Ok(data.get().as_bytes().to_vec()),
                Some(kind) => serde_json::from_str::<String>(data.get())
                    .map(String::into_bytes)
                    .map_err(|_| format!("data of type {kind:?} has to be text, or data_base64")),
            },
        }
    }
}

/// A media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

fn is_json(media_type: &str) -> bool {
    let essence = essence(media_type).to_ascii_lowercase();
    essence.ends_with("/json") || essence.ends_with("+json")
}

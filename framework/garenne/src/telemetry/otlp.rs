//! Spans as OTLP writes them: `ExportTraceServiceRequest` of `opentelemetry/proto/collector/trace/v1`, in protocol buffers.
//!
//! The crate that has all of OTLP's messages brings OpenTelemetry's SDK along, so the few that are sent stand here; the tests read
//! them back by that crate. <https://github.com/open-telemetry/opentelemetry-proto> promises that numbers and types of fields stay.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prost::{Message, Oneof};

use super::Trace;
use super::span::{About, Value};

/// `Status.StatusCode`.
const FAILED: i32 = 2;

#[derive(Message)]
struct ExportTraceServiceRequest {
    #[prost(message, repeated, tag = 1)]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = 1)]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = 2)]
    scope_spans: Vec<ScopeSpans>,
}

/// Who made the spans.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Resource {
    #[prost(message, repeated, tag = 1)]
    attributes: Vec<KeyValue>,
}

#[derive(Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = 1)]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = 2)]
    spans: Vec<Span>,
}

#[derive(Message)]
struct Scope {
    #[prost(string, tag = 1)]
    name: String,
    #[prost(string, tag = 2)]
    version: String,
}

#[derive(Message)]
struct Span {
    #[prost(bytes = "vec", tag = 1)]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = 2)]
    span_id: Vec<u8>,
    #[prost(string, tag = 3)]
    trace_state: String,
    #[prost(bytes = "vec", tag = 4)]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = 5)]
    name: String,
    #[prost(int32, tag = 6)]
    kind: i32,
    #[prost(fixed64, tag = 7)]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = 8)]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = 9)]
    attributes: Vec<KeyValue>,
    #[prost(message, repeated, tag = 13)]
    links: Vec<Link>,
    #[prost(message, optional, tag = 15)]
    status: Option<Status>,
    #[prost(fixed32, tag = 16)]
    flags: u32,
}

#[derive(Message)]
struct Link {
    #[prost(bytes = "vec", tag = 1)]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = 2)]
    span_id: Vec<u8>,
    #[prost(string, tag = 3)]
    trace_state: String,
    #[prost(fixed32, tag = 6)]
    flags: u32,
}

#[derive(Message)]
struct Status {
    #[prost(string, tag = 2)]
    message: String,
    #[prost(int32, tag = 3)]
    code: i32,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = 1)]
    key: String,
    #[prost(message, optional, tag = 2)]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(oneof = "Any", tags = "1, 2, 3")]
    value: Option<Any>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Any {
    #[prost(string, tag = 1)]
    Text(String),
    #[prost(bool, tag = 2)]
    Truth(bool),
    #[prost(int64, tag = 3)]
    Whole(i64),
}

/// Who made the spans, as the attributes say.
pub(super) fn resource<'a>(attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Resource {
    let attribute = |(key, text): (&str, &str)| attribute(key, Any::Text(text.to_owned()));
    Resource { attributes: attributes.into_iter().map(attribute).collect() }
}

/// A request with all these spans.
pub(super) fn request(resource: &Resource, spans: Vec<About>) -> Vec<u8> {
    let scope = Scope { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans: spans.into_iter().map(span).collect() }];
    let resource_spans = vec![ResourceSpans { resource: Some(resource.clone()), scope_spans }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

fn span(about: About) -> Span {
    let About { trace, kind, name, began, took, attributes, links, error } = about;
    let mut attributes: Vec<KeyValue> =
        attributes.into_iter().map(|(key, value)| attribute(key, value.into())).collect();
    let status = error.map(|(class, message)| {
        attributes.push(attribute("error.type", Any::Text(class)));
        Status { message, code: FAILED }
    });
    Span {
        trace_id: trace.trace_id.to_be_bytes().to_vec(),
        span_id: trace.span_id.to_be_bytes().to_vec(),
        trace_state: trace.state.unwrap_or_default(),
        parent_span_id: if trace.parent_id == 0 { Vec::new() } else { trace.parent_id.to_be_bytes().to_vec() },
        name,
        kind: kind as i32,
        start_time_unix_nano: nanoseconds(began, Duration::ZERO),
        end_time_unix_nano: nanoseconds(began, took),
        attributes,
        links: links.into_iter().map(link).collect(),
        status,
        flags: u32::from(trace.flags),
    }
}

fn link(to: Trace) -> Link {
    Link {
        trace_id: to.trace_id.to_be_bytes().to_vec(),
        span_id: to.span_id.to_be_bytes().to_vec(),
        trace_state: to.state.unwrap_or_default(),
        flags: u32::from(to.flags),
    }
}

fn attribute(key: &str, value: Any) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}

impl From<Value> for Any {
    fn from(value: Value) -> Self {
        match value {
            Value::Text(text) => Self::Text(text),
            Value::Truth(truth) => Self::Truth(truth),
            Value::Whole(whole) => Self::Whole(whole),
        }
    }
}

fn nanoseconds(began: SystemTime, after: Duration) -> u64 {
    let since = began.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_add(after);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest as Official;
    use opentelemetry_proto::tonic::common::v1::KeyValue as Pair;
    use opentelemetry_proto::tonic::common::v1::any_value::Value as Read;
    use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

    use super::*;
    use crate::telemetry::span::Kind;

    fn about() -> About {
        let trace = Trace::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Some("vendor=1")).unwrap();
        About {
            trace: trace.child(),
            kind: Kind::Producer,
            name: "send".into(),
            began: UNIX_EPOCH + Duration::new(1_700_000_000, 7),
            took: Duration::from_nanos(500),
            attributes: Vec::new(),
            links: Vec::new(),
            error: None,
        }
    }

    fn value(attributes: &[Pair], key: &str) -> Read {
        let found = attributes.iter().find(|pair| pair.key == key).unwrap_or_else(|| panic!("{key} is missing"));
        found.value.clone().unwrap().value.unwrap()
    }

    #[test]
    fn what_is_written_is_what_the_protocols_own_reader_reads() {
        let mut full = about();
        full.text("messaging.system", "rabbitmq");
        full.number("messaging.message.body.size", 300);
        full.number("below.zero", -1);
        full.truth("messaging.destination.temporary", true);
        full.link(&Trace::parse("00-00000000000000000000000000000001-0000000000000002-01", None).unwrap());
        full.fail("timeout", &"no confirm in time");
        let root = About { trace: Trace::start().placed().sampled(false), kind: Kind::Consumer, ..about() };
        let root_trace = root.trace.clone();
        let resource = resource([("service.name", "orders"), ("é", "")]);
        let read = Official::decode(request(&resource, vec![full, root]).as_slice()).unwrap();

        let of_resource = &read.resource_spans[0];
        let resource = &of_resource.resource.as_ref().unwrap().attributes;
        assert_eq!(value(resource, "service.name"), Read::StringValue("orders".into()));
        assert_eq!(value(resource, "é"), Read::StringValue(String::new()));
        let scope = of_resource.scope_spans[0].scope.as_ref().unwrap();
        assert_eq!((scope.name.as_str(), scope.version.as_str()), ("garenne", env!("CARGO_PKG_VERSION")));

        let [full, root] = of_resource.scope_spans[0].spans.as_slice() else { panic!("two spans: {read:?}") };
        assert_eq!(full.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes());
        assert_eq!(full.parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
        assert_eq!((full.span_id.len(), full.trace_state.as_str(), full.flags), (8, "vendor=1", 1));
        assert_eq!((full.name.as_str(), full.kind), ("send", 4));
        assert_eq!(full.start_time_unix_nano, 1_700_000_000_000_000_007);
        assert_eq!(full.end_time_unix_nano, 1_700_000_000_000_000_507);
        assert_eq!(value(&full.attributes, "messaging.system"), Read::StringValue("rabbitmq".into()));
        assert_eq!(value(&full.attributes, "messaging.message.body.size"), Read::IntValue(300));
        assert_eq!(value(&full.attributes, "below.zero"), Read::IntValue(-1));
        assert_eq!(value(&full.attributes, "messaging.destination.temporary"), Read::BoolValue(true));
        assert_eq!(value(&full.attributes, "error.type"), Read::StringValue("timeout".into()));
        let status = full.status.as_ref().unwrap();
        assert_eq!((status.code(), status.message.as_str()), (StatusCode::Error, "no confirm in time"));
        let link = &full.links[0];
        assert_eq!(
            (link.trace_id.as_slice(), link.span_id.as_slice()),
            (&1_u128.to_be_bytes()[..], &2_u64.to_be_bytes()[..])
        );
        assert_eq!(link.flags, 1);

        assert_eq!(root.trace_id, root_trace.trace_id.to_be_bytes());
        assert!(root.parent_span_id.is_empty() && root.status.is_none() && root.attributes.is_empty());
        assert_eq!((root.flags, root.kind), (0, 5));
    }
}

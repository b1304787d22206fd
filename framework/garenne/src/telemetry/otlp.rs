//! Spans as OTLP writes them: `ExportTraceServiceRequest` of `opentelemetry/proto/collector/trace/v1`, in protocol buffers.
//!
//! <https://github.com/open-telemetry/opentelemetry-proto> promises that numbers and types of fields stay.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Trace;
use super::span::{About, Value};

/// The types of fields.
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;
const FIXED32: u64 = 5;

/// `Status.StatusCode`.
const FAILED: u64 = 2;

/// Who made the spans, written once.
pub(super) fn resource<'a>(attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut resource = Vec::new();
    for (key, text) in attributes {
        message(&mut resource, 1, |pair| attribute(pair, key, &Value::Text(text.to_owned())));
    }
    resource
}

/// A request with all these spans.
pub(super) fn request(resource: &[u8], spans: &[About]) -> Vec<u8> {
    let mut request = Vec::new();
    message(&mut request, 1, |of_resource| {
        bytes(of_resource, 1, resource);
        message(of_resource, 2, |of_scope| {
            message(of_scope, 1, |scope| {
                bytes(scope, 1, env!("CARGO_PKG_NAME").as_bytes());
                bytes(scope, 2, env!("CARGO_PKG_VERSION").as_bytes());
            });
            for about in spans {
                message(of_scope, 2, |to| span(to, about));
            }
        });
    });
    request
}

fn span(to: &mut Vec<u8>, about: &About) {
    let Trace { trace_id, span_id, parent_id, flags, state } = &about.trace;
    bytes(to, 1, &trace_id.to_be_bytes());
    bytes(to, 2, &span_id.to_be_bytes());
    if let Some(state) = state {
        bytes(to, 3, state.as_bytes());
    }
    if *parent_id != 0 {
        bytes(to, 4, &parent_id.to_be_bytes());
    }
    bytes(to, 5, about.name.as_bytes());
    number(to, 6, about.kind as u64);
    fixed64(to, 7, nanoseconds(about.began, Duration::ZERO));
    fixed64(to, 8, nanoseconds(about.began, about.took));
    for (key, value) in &about.attributes {
        message(to, 9, |pair| attribute(pair, key, value));
    }
    if let Some((class, _)) = &about.error {
        message(to, 9, |pair| attribute(pair, "error.type", &Value::Text(class.clone())));
    }
    for link in &about.links {
        message(to, 13, |to| {
            bytes(to, 1, &link.trace_id.to_be_bytes());
            bytes(to, 2, &link.span_id.to_be_bytes());
            if let Some(state) = &link.state {
                bytes(to, 3, state.as_bytes());
            }
            fixed32(to, 6, u32::from(link.flags));
        });
    }
    if let Some((_, text)) = &about.error {
        message(to, 15, |status| {
            bytes(status, 2, text.as_bytes());
            number(status, 3, FAILED);
        });
    }
    fixed32(to, 16, u32::from(*flags));
}

fn nanoseconds(began: SystemTime, after: Duration) -> u64 {
    let since = began.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_add(after);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn attribute(pair: &mut Vec<u8>, key: &str, value: &Value) {
    bytes(pair, 1, key.as_bytes());
    message(pair, 2, |any| match value {
        Value::Text(text) => bytes(any, 1, text.as_bytes()),
        Value::Truth(truth) => number(any, 2, u64::from(*truth)),
        Value::Whole(whole) => number(any, 3, whole.cast_unsigned()),
    });
}

fn message(to: &mut Vec<u8>, field: u64, write: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    write(&mut inner);
    bytes(to, field, &inner);
}

fn bytes(to: &mut Vec<u8>, field: u64, data: &[u8]) {
    varint(to, field << 3 | BYTES);
    varint(to, data.len() as u64);
    to.extend_from_slice(data);
}

fn number(to: &mut Vec<u8>, field: u64, value: u64) {
    varint(to, field << 3 | VARINT);
    varint(to, value);
}

fn fixed64(to: &mut Vec<u8>, field: u64, value: u64) {
    varint(to, field << 3 | FIXED64);
    to.extend_from_slice(&value.to_le_bytes());
}

fn fixed32(to: &mut Vec<u8>, field: u64, value: u32) {
    varint(to, field << 3 | FIXED32);
    to.extend_from_slice(&value.to_le_bytes());
}

/// Seven bits at a time, the lowest first.
fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::common::v1::KeyValue;
    use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
    use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
    use prost::Message as _;

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

    fn value(attributes: &[KeyValue], key: &str) -> Any {
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
        full.link(Trace::parse("00-00000000000000000000000000000001-0000000000000002-01", None).unwrap());
        full.fail("timeout", &"no confirm in time");
        let root = About { trace: Trace::start().placed().sampled(false), kind: Kind::Consumer, ..about() };
        let root_trace = root.trace.clone();
        let resource = resource([("service.name", "orders"), ("é", "")]);
        let read = ExportTraceServiceRequest::decode(request(&resource, &[full, root]).as_slice()).unwrap();

        let of_resource = &read.resource_spans[0];
        let resource = &of_resource.resource.as_ref().unwrap().attributes;
        assert_eq!(value(resource, "service.name"), Any::StringValue("orders".into()));
        assert_eq!(value(resource, "é"), Any::StringValue(String::new()));
        let scope = of_resource.scope_spans[0].scope.as_ref().unwrap();
        assert_eq!((scope.name.as_str(), scope.version.as_str()), ("garenne", env!("CARGO_PKG_VERSION")));

        let [full, root] = of_resource.scope_spans[0].spans.as_slice() else { panic!("two spans: {read:?}") };
        assert_eq!(full.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes());
        assert_eq!(full.parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
        assert_eq!((full.span_id.len(), full.trace_state.as_str(), full.flags), (8, "vendor=1", 1));
        assert_eq!((full.name.as_str(), full.kind), ("send", 4));
        assert_eq!(full.start_time_unix_nano, 1_700_000_000_000_000_007);
        assert_eq!(full.end_time_unix_nano, 1_700_000_000_000_000_507);
        assert_eq!(value(&full.attributes, "messaging.system"), Any::StringValue("rabbitmq".into()));
        assert_eq!(value(&full.attributes, "messaging.message.body.size"), Any::IntValue(300));
        assert_eq!(value(&full.attributes, "below.zero"), Any::IntValue(-1));
        assert_eq!(value(&full.attributes, "messaging.destination.temporary"), Any::BoolValue(true));
        assert_eq!(value(&full.attributes, "error.type"), Any::StringValue("timeout".into()));
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

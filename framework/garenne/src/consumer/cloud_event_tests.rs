//! CloudEvents in both modes, from both sides.

use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::unfit::unfit;
use super::{Message, Observed, cloud_event, read_plainly};
use crate::broker::{HeaderValue, Inbound, Properties};
use crate::publisher::{Cause, CloudEvents, Envelope, Role};

const STRUCTURED: &str = "application/cloudevents+json; charset=utf-8";

fn inbound(body: impl Into<Vec<u8>>, properties: Properties) -> Inbound {
    Inbound::of("desk.events", "a.key", body, properties)
}

fn structured(body: impl Into<Vec<u8>>) -> Inbound {
    inbound(body, Properties { content_type: Some(STRUCTURED.to_owned()), ..Properties::default() })
}

fn event() -> Value {
    json!({
        "specversion": "1.0", "id": "7", "source": "urn:desk", "type": "desk.ticket-filed",
        "time": "2018-04-05T17:31:00Z", "correlationid": "c-1", "data": {"number": 7},
    })
}

/// The event with one member changed, or removed where it is `null`.
fn with(name: &str, value: Value) -> String {
    let mut event = event();
    let members = event.as_object_mut().unwrap();
    members.remove(name);
    if !value.is_null() {
        members.insert(name.to_owned(), value);
    }
    event.to_string()
}

fn opened(body: impl Into<Vec<u8>>) -> Inbound {
    cloud_event::open(&structured(body)).unwrap().unwrap()
}

fn refused(inbound: &Inbound) -> String {
    let failure = cloud_event::open(inbound).unwrap().unwrap_err();
    format!("{}: {failure}", failure.class())
}

/// As the live feed shows it.
fn observed(inbound: Inbound) -> Observed {
    read_plainly(inbound).0.into()
}

#[test]
fn headers_of_every_prefix_fill_what_the_properties_leave_out() {
    for prefix in ["cloudEvents_", "cloudEvents:", "ce-"] {
        let mut properties = Properties::default();
        for (name, value) in
            [("type", "desk.ticket-filed"), ("id", "7"), ("source", "urn:desk"), ("time", "2018-04-05T17:31:00Z")]
        {
            properties.set_text(format!("{prefix}{name}"), value);
        }
        let message = Message::read(&inbound("{}", properties.clone()), "clerk");
        assert_eq!((message.name(), message.message_id()), ("desk.ticket-filed", Some("urn:desk 7")));
        assert_eq!(message.sent_at(), Some(UNIX_EPOCH + Duration::from_secs(1_522_949_460)));
        let observed = observed(inbound("{}", properties.clone()));
        assert_eq!(
            (observed.service.as_deref(), observed.message_id.as_deref()),
            (Some("urn:desk"), Some("urn:desk 7"))
        );
        let (message_id, kind) = (Some("m-1".to_owned()), Some("a.type".to_owned()));
        let properties = Properties { message_id, kind, timestamp: Some(9), ..properties };
        let message = Message::read(&inbound("{}", properties), "clerk");
        assert_eq!((message.name(), message.message_id()), ("a.type", Some("m-1")));
        assert_eq!(message.sent_at(), Some(UNIX_EPOCH + Duration::from_secs(9)));
    }
}

#[test]
fn a_time_in_a_type_of_its_own_is_read_too() {
    for time in
        [HeaderValue::Timestamp(9), HeaderValue::Integer(9_000), HeaderValue::Text("1970-01-01T00:00:09Z".into())]
    {
        let mut properties = Properties::default();
        properties.headers.insert("cloudEvents_time".into(), time);
        let sent_at = Message::read(&inbound("{}", properties), "clerk").sent_at();
        assert_eq!(sent_at, Some(UNIX_EPOCH + Duration::from_secs(9)));
    }
    let mut properties = Properties::default();
    properties.headers.insert("cloudEvents_time".into(), HeaderValue::Integer(-1));
    assert_eq!(Message::read(&inbound("{}", properties), "clerk").sent_at(), None);
}

#[test]
fn attributes_of_another_version_are_refused_where_they_are_needed() {
    let mut properties = Properties::default();
    properties.set_text("cloudEvents_specversion", "0.3");
    properties.set_text("cloudEvents_type", "desk.ticket-filed");
    let failure = unfit(&inbound("{}", properties.clone())).unwrap();
    assert_eq!(failure.to_string(), "CloudEvents \"0.3\" is not read; send specversion \"1.0\"");
    assert_eq!(failure.class(), "malformed");
    (properties.kind, properties.message_id) = (Some("a.type".to_owned()), Some("m-1".to_owned()));
    assert!(unfit(&inbound("{}", properties)).is_none());
}

#[test]
fn an_attribute_that_fits_no_property_is_refused_and_goes_nowhere() {
    for name in ["type", "id", "source", "specversion"] {
        let mut properties = Properties::default();
        properties.set_text(format!("cloudEvents_{name}"), "a".repeat(256));
        let inbound = inbound("{}", properties);
        let failure = unfit(&inbound).unwrap();
        assert_eq!(failure.to_string(), format!("the CloudEvent's {name} has 256 bytes; send at most 255"));
        let message = Message::read(&inbound, "clerk");
        assert_eq!((message.name(), message.message_id()), ("a.key", None));
        assert_eq!(observed(inbound).service, None);
    }
}

#[test]
fn what_is_said_about_an_event_is_short_whatever_it_quotes() {
    let text = refused(&structured(with("id", json!({"i".repeat(5000): "i".repeat(5000)}))));
    assert!(text.len() < 1100, "{} bytes", text.len());
    let text = refused(&structured(with("data_base64", json!("i".repeat(5000)))));
    assert!(text.len() < 1100, "{} bytes", text.len());
    let unread = serde_json::from_value::<u32>(json!("i".repeat(5000))).unwrap_err();
    assert_eq!(crate::consumer::Failure::dead_letter(unread).to_string().len(), 1024);
}

#[test]
fn an_event_in_structured_mode_is_handled_as_if_its_data_had_come_plain() {
    let inbound = opened(event().to_string());
    assert_eq!(inbound.body, br#"{"number":7}"#);
    assert_eq!(inbound.properties.content_type(), Some("application/json"));
    let message = Message::read(&inbound, "clerk");
    assert_eq!((message.name(), message.message_id()), ("desk.ticket-filed", Some("urn:desk 7")));
    assert_eq!(message.correlation_id(), "c-1");
    assert_eq!(message.sent_at(), Some(UNIX_EPOCH + Duration::from_secs(1_522_949_460)));
    let observed = observed(structured(event().to_string()));
    assert_eq!((observed.body, observed.service.as_deref()), (json!({"number": 7}), Some("urn:desk")));
}

#[test]
fn properties_go_before_the_attributes_of_structured_mode_too() {
    let (message_id, kind) = (Some("m-1".to_owned()), Some("a.type".to_owned()));
    let mut inbound = structured(event().to_string());
    let properties = Properties { message_id, kind, timestamp: Some(9), ..Properties::from(&inbound.properties) };
    inbound.properties = properties.into();
    let message = Message::read(&cloud_event::open(&inbound).unwrap().unwrap(), "clerk");
    assert_eq!((message.name(), message.message_id()), ("a.type", Some("m-1")));
    assert_eq!(message.sent_at(), Some(UNIX_EPOCH + Duration::from_secs(9)));
}

#[test]
fn ids_are_their_sources_own() {
    let id = |source: &str| {
        let inbound = opened(with("source", json!(source)));
        Message::read(&inbound, "clerk").message_id().map(str::to_owned)
    };
    assert_ne!(id("urn:desk:1"), id("urn:desk:2"));
}

#[test]
fn data_may_be_json_text_or_bytes() {
    let body = |members: Value| {
        let mut event = event();
        event.as_object_mut().unwrap().remove("data");
        for (name, value) in members.as_object().unwrap() {
            event[name] = value.clone();
        }
        String::from_utf8(opened(event.to_string()).body).unwrap()
    };
    assert_eq!(body(json!({})), "");
    assert_eq!(body(json!({"data": "a text"})), "\"a text\"");
    assert_eq!(body(json!({"data": [1], "datacontenttype": "application/vnd.desk+json"})), "[1]");
    assert_eq!(body(json!({"data": "<a/>", "datacontenttype": "text/xml; charset=utf-8"})), "<a/>");
    assert_eq!(body(json!({"data_base64": "eyJhIjoxfQ=="})), "{\"a\":1}");
}

#[test]
fn what_is_wrong_with_an_event_is_said() {
    for (name, value, words) in [
        ("specversion", json!(null), "missing field `specversion`"),
        ("specversion", json!("0.3"), "specversion is \"0.3\"; send \"1.0\""),
        ("id", json!(null), "missing field `id`"),
        ("id", json!(7), "invalid type: integer `7`, expected a string"),
        ("id", json!(""), "id is empty"),
        ("source", json!(null), "missing field `source`"),
        ("source", json!("s".repeat(254)), "source and id have more than 255 bytes together"),
        ("type", json!(null), "missing field `type`"),
        ("type", json!(""), "type is empty"),
        ("type", json!("t".repeat(256)), "type has 256 bytes; send at most 255"),
        ("id", json!("i".repeat(256)), "id has 256 bytes; send at most 255"),
        ("specversion", json!("1".repeat(256)), "specversion has 256 bytes; send at most 255"),
        ("time", json!("t".repeat(256)), "time has 256 bytes; send at most 255"),
        ("datacontenttype", json!("d".repeat(256)), "datacontenttype has 256 bytes; send at most 255"),
        ("time", json!("yesterday"), "time is \"yesterday\"; send RFC 3339"),
        ("data_base64", json!("e30="), "it has both data and data_base64"),
        ("datacontenttype", json!("text/plain"), "data of type \"text/plain\" has to be text, or data_base64"),
    ] {
        let text = refused(&structured(with(name, value)));
        assert!(text.starts_with("undecodable: the CloudEvent cannot be read: ") && text.contains(words), "{text}");
    }
    for body in ["", "[]", "{", "null", "7", "\u{feff}{}", r#"{"id":"1","id":"2"}"#] {
        assert!(refused(&structured(body)).starts_with("undecodable: the CloudEvent cannot be read: "), "{body}");
    }
    let mut event = event();
    event.as_object_mut().unwrap().remove("data");
    event["data_base64"] = json!("{}");
    assert!(refused(&structured(event.to_string())).contains("data_base64: "));
}

#[test]
fn batches_and_other_formats_are_refused_and_other_media_types_are_none_of_this() {
    let of_type =
        |kind: &str| inbound("{}", Properties { content_type: Some(kind.to_owned()), ..Properties::default() });
    for kind in ["application/cloudevents-batch+json", "application/cloudevents+avro", "Application/CloudEvents"] {
        let text = refused(&of_type(kind));
        assert!(text.starts_with("malformed: ") && text.contains("send each event by itself"), "{text}");
    }
    for kind in ["application/json", "application/cloud", "", "é".repeat(40).as_str()] {
        assert!(cloud_event::open(&of_type(kind)).is_none(), "{kind}");
    }
    assert!(cloud_event::open(&inbound("{}", Properties::default())).is_none());
}

/// Any JSON, of some depth.
fn data() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        any::<bool>().prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(".{0,9}", inner, 0..5).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn what_a_service_writes_is_read_as_what_it_says(data in data(), structured in any::<bool>()) {
        let form = if structured { CloudEvents::Structured } else { CloudEvents::Binary };
        let (exchange, name) = ("clerk.events".to_owned(), "clerk.ticket-closed");
        let cause = Cause::new_conversation();
        let plain = Envelope { exchange, routing_key: name, kind: name, service: "clerk", role: Role::Tells, cause: &cause, trace: &cause.trace }.seal(Vec::new());
        let mut properties = plain.properties.clone();
        form.mark(&mut properties);
        let body = form.body(name, &data, &properties).unwrap();
        // Through a bridge that carries headers, content type and body, and nothing else.
        let bare = Properties { headers: properties.headers.clone(), content_type: properties.content_type.clone(), ..Properties::default() };
        for (properties, id) in [
            (properties, plain.properties.message_id.clone().unwrap()),
            (bare, format!("urn:garenne:service:clerk {}", plain.properties.message_id.clone().unwrap())),
        ] {
            let inbound = inbound(body.clone(), properties);
            prop_assert!(unfit(&inbound).is_none());
            let inbound = cloud_event::open(&inbound).map_or(Ok(inbound), |opened| opened).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Value>(&inbound.body).unwrap(), data.clone());
            let message = Message::read(&inbound, "desk");
            prop_assert_eq!(message.name(), name);
            prop_assert_eq!(message.message_id(), Some(id.as_str()));
            prop_assert!(message.sent_at().is_some());
        }
    }
}

//! Packets: what NestJS has in its bodies. Read and written here, and nowhere else.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::pattern::route;

/// What NestJS answers when it has no handler, to the letter.
const NO_HANDLER: &str = "There is no matching message handler defined in the remote service.";

/// What a NestJS client has sent.
#[derive(Debug, PartialEq)]
pub(super) struct Sent {
    /// What the handler is found by.
    pub(super) route: String,
    /// The JSON of the data. `null` when there is none.
    pub(super) data: Vec<u8>,
    /// Of a request. It is one as soon as there is an id, be it `null`.
    pub(super) id: Option<Value>,
}

impl Sent {
    /// Reads a body, or says why it is no packet.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Packet<'a> {
            #[serde(default)]
            pattern: Value,
            #[serde(default = "nothing", borrow)]
            data: &'a RawValue,
            #[serde(default, deserialize_with = "present")]
            id: Option<Value>,
        }
        if !is_object(body) {
            return Err("it is no JSON object".to_owned());
        }
        let Packet { pattern, data, id } = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if pattern.is_null() {
            return Err("it has no pattern".to_owned());
        }
        Ok(Self { route: route(&pattern), data: data.get().as_bytes().to_vec(), id })
    }
}

fn nothing() -> &'static RawValue {
    RawValue::NULL
}

/// What stands before the data.
pub(super) fn before(pattern: &Value) -> String {
    format!("{{\"pattern\":{pattern},\"data\":")
}

/// What stands after the data of an event. It must have no id.
pub(super) const AFTER: &str = "}";

/// A request. `data` is JSON already.
pub(super) fn request(before: &str, data: &[u8], id: &str) -> Vec<u8> {
    let after = format!(",\"id\":{}}}", Value::from(id));
    [before.as_bytes(), data, after.as_bytes()].concat()
}

/// A value of the reply, and whether it is the last one. `value` is JSON already.
pub(super) fn value(value: &[u8], last: bool) -> Vec<u8> {
    let end: &[u8] = if last { b",\"isDisposed\":true}" } else { b"}" };
    [b"{\"response\":", value, end].concat()
}

/// The end of a reply without a value.
pub(super) fn end() -> Vec<u8> {
    b"{\"isDisposed\":true}".to_vec()
}

/// A reply that is an error.
pub(super) fn error(error: &impl Serialize) -> Vec<u8> {
    json!({"err": error, "isDisposed": true}).to_string().into_bytes()
}

/// The reply to a request that has no handler.
pub(super) fn no_handler(id: &Value) -> Vec<u8> {
    json!({"id": id, "err": NO_HANDLER, "status": "error", "isDisposed": true}).to_string().into_bytes()
}

/// One of the messages that answer a request.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    /// A value, the JSON of it, and whether it is the last one.
    Value { json: Vec<u8>, last: bool },
    /// No more values come.
    End,
    /// What was thrown. Nothing follows.
    Failed(Value),
}

impl Reply {
    /// Reads a body as NestJS's own client does: what is no packet is a value.
    pub(super) fn read(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Packet<'a> {
            #[serde(default)]
            err: Value,
            #[serde(default, borrow, deserialize_with = "present")]
            response: Option<&'a RawValue>,
            #[serde(default, rename = "isDisposed", deserialize_with = "present")]
            is_disposed: Option<Value>,
        }
        let whole = || Self::Value { json: body.to_vec(), last: true };
        if !is_object(body) {
            return whole();
        }
        let Ok(Packet { err, response, is_disposed }) = serde_json::from_slice(body) else { return whole() };
        if truthy(&err) {
            return Self::Failed(err);
        }
        let last = is_disposed.as_ref().is_some_and(truthy);
        match response {
            Some(value) => Self::Value { json: value.get().as_bytes().to_vec(), last },
            None if last => Self::End,
            None if err.is_null() && is_disposed.is_none() => whole(),
            // An error that is none, and nothing else: a value of nothing.
            None => Self::Value { json: b"null".to_vec(), last },
        }
    }
}

/// Something that is there, also when it is `null`.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A list would be taken for the fields of a packet in their order.
fn is_object(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"{")
}

/// What JavaScript takes for true.
fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(yes) => *yes,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// Whether an error is NestJS's word for having no handler.
pub(super) fn is_no_handler(error: &Value) -> bool {
    error == NO_HANDLER
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(route: &str, data: &str, id: Option<Value>) -> Result<Sent, String> {
        Ok(Sent { route: route.to_owned(), data: data.as_bytes().to_vec(), id })
    }

    #[test]
    fn a_packet_with_an_id_is_a_request_even_if_the_id_is_null_and_one_without_is_an_event() {
        // What NestJS 11 has sent.
        let request = br#"{"pattern":{"cmd":"sum"},"data":[1],"id":"6241ccc8a41e08b9c7491"}"#;
        assert_eq!(Sent::read(request), sent(r#"{"cmd":"sum"}"#, "[1]", Some("6241ccc8a41e08b9c7491".into())));
        let event = br#"{"pattern":"user.created","data":{"id":1}}"#;
        assert_eq!(Sent::read(event), sent("user.created", r#"{"id":1}"#, None));
        assert_eq!(Sent::read(br#"{"pattern":1,"data":"x","id":null}"#), sent("1", "\"x\"", Some(Value::Null)));
        assert_eq!(Sent::read(br#"{"id":1,"pattern":"a"}"#), sent("a", "null", Some(1.into())));
    }

    #[test]
    fn data_is_handed_on_to_the_digit() {
        let data = r#"{ "n": 12345678901234567890.10, "n": 1e400 }"#;
        let body = format!(r#"{{"pattern":"a","data":{data}}}"#);
        assert_eq!(Sent::read(body.as_bytes()), sent("a", data, None));
    }

    #[test]
    fn what_is_no_packet_is_refused_with_a_reason() {
        for (body, reason) in [
            ("", "no JSON object"),
            ("plain text", "no JSON object"),
            (r#"["a", 1]"#, "no JSON object"),
            (r#"{"pattern":"a""#, "EOF"),
            (r#"{"data":1,"id":"x"}"#, "no pattern"),
            (r#"{"specversion":"1.0","id":"x","data":{}}"#, "no pattern"),
        ] {
            let refused = Sent::read(body.as_bytes()).unwrap_err();
            assert!(refused.contains(reason), "{body}: {refused}");
        }
    }

    #[test]
    fn what_is_sent_stands_on_the_wire_as_nestjs_writes_it() {
        let written = |packet: Vec<u8>| String::from_utf8(packet).unwrap();
        let sum = before(&json!({"cmd": "sum"}));
        let expected = r#"{"pattern":{"cmd":"sum"},"data":[1],"id":"6241ccc8a41e08b9c7491"}"#;
        assert_eq!(written(request(&sum, b"[1]", "6241ccc8a41e08b9c7491")), expected);
        let created = before(&json!("user.created"));
        assert_eq!(format!("{created}{{\"id\":1}}{AFTER}"), r#"{"pattern":"user.created","data":{"id":1}}"#);
        assert_eq!(written(value(b"3", true)), r#"{"response":3,"isDisposed":true}"#);
        assert_eq!(written(value(b"null", false)), r#"{"response":null}"#);
        assert_eq!(written(end()), r#"{"isDisposed":true}"#);
        let read = |packet: Vec<u8>| serde_json::from_slice::<Value>(&packet).unwrap();
        let thrown = json!({"status": "error", "message": "m"});
        assert_eq!(read(error(&thrown)), json!({"err": thrown, "isDisposed": true}));
        let nobody = json!({"id": "7", "err": NO_HANDLER, "status": "error", "isDisposed": true});
        assert_eq!(read(no_handler(&json!("7"))), nobody);
    }

    #[test]
    fn replies_are_read_as_nestjs_reads_them() {
        let value = |json: &str, last| Reply::Value { json: json.as_bytes().to_vec(), last };
        for (body, expected) in [
            (r#"{"response":3,"isDisposed":true}"#, value("3", true)),
            (r#"{"response":3}"#, value("3", false)),
            (r#"{"response":null,"isDisposed":true}"#, value("null", true)),
            (r#"{"isDisposed":true}"#, Reply::End),
            (r#"{"err":"","response":1,"isDisposed":true}"#, value("1", true)),
            (r#"{"err":null,"response":1}"#, value("1", false)),
            (r#"{"err":{"message":"m"},"isDisposed":true}"#, Reply::Failed(json!({"message": "m"}))),
            (r#"{"id":"7","err":"no","status":"error"}"#, Reply::Failed("no".into())),
            (r#"{"foo":1}"#, value(r#"{"foo":1}"#, true)),
            ("42", value("42", true)),
            ("[1,2]", value("[1,2]", true)),
            ("null", value("null", true)),
            ("plain text", value("plain text", true)),
        ] {
            assert_eq!(Reply::read(body.as_bytes()), expected, "{body}");
        }
    }
}

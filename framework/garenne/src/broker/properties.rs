//! Properties to and from the wire.

use lapin::BasicProperties;
use lapin::types::ShortString;

use super::header::{from_table, to_table};
use super::{Outgoing, Properties};

const PERSISTENT: u8 = 2;
/// What AMQP allows for a property, in bytes.
pub(crate) const SHORT_STRING_LIMIT: usize = 255;

/// What was published cannot stand on the wire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} has {bytes} bytes; AMQP allows at most 255")]
pub(crate) struct TooLongForTheWire {
    what: &'static str,
    bytes: usize,
}

/// A message in lapin's own types.
pub(crate) struct Wire {
    pub(crate) exchange: ShortString,
    pub(crate) routing_key: ShortString,
    pub(crate) properties: BasicProperties,
}

impl Wire {
    /// Whether a message can stand on the wire.
    pub(crate) fn check(outgoing: &Outgoing) -> Result<(), TooLongForTheWire> {
        let Properties { message_id, kind, app_id, correlation_id, reply_to, .. } = &outgoing.properties;
        let Properties { content_type, content_encoding, expiration, .. } = &outgoing.properties;
        let properties = [
            ("message_id", message_id),
            ("type", kind),
            ("app_id", app_id),
            ("correlation_id", correlation_id),
            ("reply_to", reply_to),
            ("content_type", content_type),
            ("content_encoding", content_encoding),
            ("expiration", expiration),
        ];
        let properties = properties.into_iter().filter_map(|(what, text)| Some((what, text.as_ref()?)));
        let around = [("the exchange", &outgoing.exchange), ("the routing key", &outgoing.routing_key)];
        match properties.chain(around).find(|(_, text)| text.len() > SHORT_STRING_LIMIT) {
            Some((what, text)) => Err(TooLongForTheWire { what, bytes: text.len() }),
            None => Ok(()),
        }
    }

    /// Of what was [checked](Self::check): lapin panics over a short string that is too long.
    pub(crate) fn of(outgoing: &Outgoing) -> Self {
        Self {
            exchange: outgoing.exchange.as_str().into(),
            routing_key: outgoing.routing_key.as_str().into(),
            properties: BasicProperties::from(&outgoing.properties).with_delivery_mode(PERSISTENT),
        }
    }
}

/// Leaves out what is too long for the wire.
impl From<&Properties> for BasicProperties {
    fn from(from: &Properties) -> Self {
        let text = |text: &Option<String>| text.as_deref().and_then(|text| ShortString::try_new(text).ok());
        let mut to = Self::default();
        if let Some(id) = text(&from.message_id) {
            to = to.with_message_id(id);
        }
        if let Some(kind) = text(&from.kind) {
            to = to.with_type(kind);
        }
        if let Some(app) = text(&from.app_id) {
            to = to.with_app_id(app);
        }
        if let Some(id) = text(&from.correlation_id) {
            to = to.with_correlation_id(id);
        }
        if let Some(address) = text(&from.reply_to) {
            to = to.with_reply_to(address);
        }
        if let Some(content_type) = text(&from.content_type) {
            to = to.with_content_type(content_type);
        }
        if let Some(encoding) = text(&from.content_encoding) {
            to = to.with_content_encoding(encoding);
        }
        if let Some(expiration) = text(&from.expiration) {
            to = to.with_expiration(expiration);
        }
        if let Some(seconds) = from.timestamp {
            to = to.with_timestamp(seconds);
        }
        if !from.headers.is_empty() {
            to = to.with_headers(to_table(&from.headers));
        }
        to
    }
}

impl From<&BasicProperties> for Properties {
    fn from(from: &BasicProperties) -> Self {
        let text = |field: &Option<ShortString>| field.as_ref().map(|text| text.as_str().to_owned());
        Self {
            message_id: text(from.message_id()),
            kind: text(from.kind()),
            app_id: text(from.app_id()),
            correlation_id: text(from.correlation_id()),
            reply_to: text(from.reply_to()),
            content_type: text(from.content_type()),
            content_encoding: text(from.content_encoding()),
            expiration: text(from.expiration()),
            timestamp: *from.timestamp(),
            headers: from.headers().as_ref().map(from_table).unwrap_or_default(),
        }
    }
}

pub(crate) fn short(what: &'static str, text: &str) -> Result<ShortString, TooLongForTheWire> {
    ShortString::try_new(text).map_err(|_| TooLongForTheWire { what, bytes: text.len() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::broker::HeaderValue;

    #[test]
    fn properties_and_headers_of_every_kind_survive_the_wire() {
        let headers = BTreeMap::from([
            ("text".into(), HeaderValue::Text("é".into())),
            ("bytes".into(), HeaderValue::Bytes(vec![0xff, 0])),
            ("integer".into(), HeaderValue::Integer(i64::MIN)),
            ("boolean".into(), HeaderValue::Boolean(true)),
            ("double".into(), HeaderValue::Double(0.5)),
            ("time".into(), HeaderValue::Timestamp(7)),
            ("list".into(), HeaderValue::List(vec![HeaderValue::Nothing])),
            ("table".into(), HeaderValue::Table(BTreeMap::from([("k".into(), HeaderValue::Integer(1))]))),
        ]);
        let sent = Properties {
            message_id: Some("m".into()),
            kind: Some("t".into()),
            app_id: Some("a".into()),
            correlation_id: Some("c".into()),
            reply_to: Some("r".into()),
            content_type: Some("application/json".into()),
            content_encoding: Some("utf-8".into()),
            expiration: Some("5".into()),
            timestamp: Some(9),
            headers,
        };
        let outgoing =
            Outgoing { exchange: String::new(), routing_key: "k".into(), body: Vec::new(), properties: sent.clone() };
        assert_eq!(Wire::check(&outgoing), Ok(()));
        assert_eq!(Properties::from(&Wire::of(&outgoing).properties), sent);
    }

    #[test]
    fn what_is_too_long_for_the_wire_is_an_error_and_not_a_panic() {
        let mut outgoing = Outgoing {
            exchange: "x".into(),
            routing_key: "k".repeat(256),
            body: Vec::new(),
            properties: Properties::default(),
        };
        let error = Wire::check(&outgoing).unwrap_err().to_string();
        assert_eq!(error, "the routing key has 256 bytes; AMQP allows at most 255");
        outgoing.properties.reply_to = Some("r".repeat(256));
        outgoing.properties.message_id = Some("m".repeat(255));
        let left = Properties { reply_to: None, ..outgoing.properties.clone() };
        assert_eq!(Properties::from(&BasicProperties::from(&outgoing.properties)), left);
        outgoing.properties = left;
        outgoing.routing_key = "k".repeat(255);
        assert_eq!(Wire::check(&outgoing), Ok(()));
        assert_eq!(Wire::of(&outgoing).routing_key.as_str(), outgoing.routing_key);
    }
}

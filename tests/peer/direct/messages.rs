//! What stands beside the bodies: the same as in the library's messages, or with `RPC_BARE` no more than the exchange needs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use uuid::Uuid;

use super::topology;

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// With all that the wire's contract names, so that other services can follow them.
    Full,
    Bare,
}

impl Manner {
    pub(super) fn of_this_process() -> Self {
        if std::env::var("RPC_BARE").is_ok() { Self::Bare } else { Self::Full }
    }

    pub(super) fn request(self, id: &str, reply_to: &str, patience: Duration) -> BasicProperties {
        let properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_content_type("application/json".into())
            .with_correlation_id(id.into())
            .with_reply_to(reply_to.into())
            .with_expiration(patience.as_millis().to_string().into());
        if self == Self::Bare {
            return properties;
        }
        let now = now();
        let mut headers = FieldTable::default();
        headers.insert("garenne-deadline".into(), number(now + patience));
        headers.insert("garenne-reply-exchange".into(), text(topology::REPLIES));
        headers.insert("garenne-sent-at".into(), number(now));
        headers.insert("traceparent".into(), text(&traceparent(&trace_id())));
        described(properties, topology::CHECK_STOCK, "desk", now).with_message_id(id.into()).with_headers(headers)
    }

    pub(super) fn reply(self, request: &BasicProperties, correlation_id: &ShortString) -> BasicProperties {
        let properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_content_type("application/json".into())
            .with_correlation_id(correlation_id.clone());
        if self == Self::Bare {
            return properties;
        }
        let now = now();
        let mut headers = FieldTable::default();
        if let Some(id) = request.message_id() {
            headers.insert("causation-id".into(), text(id.as_str()));
        }
        headers.insert("garenne-sent-at".into(), number(now));
        let parent = request.headers().as_ref().and_then(|headers| headers.inner().get("traceparent"));
        let trace = match parent {
            Some(AMQPValue::LongString(parent)) => {
                String::from_utf8_lossy(parent.as_bytes()).get(3..35).map(str::to_owned)
            }
            _ => None,
        };
        headers.insert("traceparent".into(), text(&traceparent(&trace.unwrap_or_else(trace_id))));
        described(properties, topology::REPLY, "warehouse", now)
            .with_message_id(Uuid::now_v7().to_string().into())
            .with_headers(headers)
    }
}

fn described(properties: BasicProperties, kind: &str, service: &str, now: Duration) -> BasicProperties {
    properties.with_type(kind.into()).with_app_id(service.into()).with_timestamp(now.as_secs())
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn number(time: Duration) -> AMQPValue {
    AMQPValue::LongLongInt(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

fn trace_id() -> String {
    Uuid::now_v7().simple().to_string()
}

fn traceparent(trace_id: &str) -> String {
    format!("00-{trace_id}-{:016x}-01", Uuid::now_v7().as_u64_pair().1)
}

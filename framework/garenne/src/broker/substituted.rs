//! Whether a message that arrived holds what a [`Screen`](super::screen::Screen) has put into it.

use super::screen::SUBSTITUTE;
use super::{HeaderValue, Headers, Inbound};

/// Names a short string of the sender that holds the substitute. It could be another one than the sender's: two ids that differ
/// may look alike now, and the second would be taken for the first.
pub(crate) fn substituted(inbound: &Inbound) -> Option<&'static str> {
    let properties = &inbound.properties;
    let texts = [
        ("message_id", &properties.message_id),
        ("type", &properties.kind),
        ("app_id", &properties.app_id),
        ("correlation_id", &properties.correlation_id),
        ("reply_to", &properties.reply_to),
        ("content_type", &properties.content_type),
        ("content_encoding", &properties.content_encoding),
        ("expiration", &properties.expiration),
    ];
    let text = texts.into_iter().find(|(_, text)| text.as_deref().is_some_and(|text| text.contains(SUBSTITUTE)));
    if let Some((name, _)) = text {
        Some(name)
    } else if inbound.routing_key.contains(SUBSTITUTE) {
        Some("the routing key")
    } else if in_table(&properties.headers) {
        Some("the name of a header")
    } else {
        None
    }
}

fn in_table(table: &Headers) -> bool {
    table.iter().any(|(name, value)| name.contains(SUBSTITUTE) || in_value(value))
}

fn in_value(value: &HeaderValue) -> bool {
    match value {
        HeaderValue::Table(table) => in_table(table),
        HeaderValue::List(values) => values.iter().any(in_value),
        _ => false,
    }
}

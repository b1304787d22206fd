//! Whether a message that arrived holds what a [`Screen`](super::screen::Screen) has put into it.

use lapin::types::{AMQPValue, FieldTable};

use super::Inbound;
use super::screen::SUBSTITUTE;

/// Names a short string of the sender that holds the substitute. It could be another one than the sender's: two ids that differ
/// may look alike now, and the second would be taken for the first.
pub(crate) fn substituted(inbound: &Inbound) -> Option<&'static str> {
    let is: fn(&str) -> bool = |text| text.contains(SUBSTITUTE);
    let text = inbound.properties.texts().into_iter().find(|(_, text)| text.is_some_and(is));
    if let Some((name, _)) = text {
        Some(name)
    } else if is(&inbound.routing_key) {
        Some("the routing key")
    } else if inbound.properties.headers().is_some_and(|headers| is_in_table(headers, is)) {
        Some("the name of a header")
    } else {
        None
    }
}

fn is_in_table(table: &FieldTable, is: fn(&str) -> bool) -> bool {
    table.inner().iter().any(|(name, value)| is(name.as_str()) || is_in_value(value, is))
}

fn is_in_value(value: &AMQPValue, is: fn(&str) -> bool) -> bool {
    match value {
        AMQPValue::FieldTable(table) => is_in_table(table, is),
        AMQPValue::FieldArray(values) => values.as_slice().iter().any(|value| is_in_value(value, is)),
        _ => false,
    }
}

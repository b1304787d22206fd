//! What no handler gets to see, because of what stands beside the body.

use super::{Failure, cloud_event};
use crate::broker::{HeaderValue, Inbound, substituted};
use crate::publisher::BODY_LIMIT;
use crate::retry::Reason;

const DEATHS: &str = "x-death";

/// Why a delivery is given up before any handler has begun.
pub(super) fn unfit(inbound: &Inbound) -> Option<Failure> {
    if let Some(what) = substituted(inbound) {
        let text = format!(
            "{what} is not UTF-8, as AMQP asks of short strings, or contains the character that stands for such bytes"
        );
        return Some(Failure::hopeless(text, Reason::Malformed));
    }
    // Were the broker to give such a message up, 3.10 would fail at it: its queues then dead-letter nothing any more.
    if inbound.properties.header(DEATHS).is_some_and(|deaths| !are_deaths(&deaths)) {
        let text = format!("the header {DEATHS} is not of the broker's making; nobody else may send one");
        return Some(Failure::hopeless(text, Reason::Malformed));
    }
    if inbound.body.len() > BODY_LIMIT {
        let text = format!("the body has {} bytes; at most {BODY_LIMIT} are handled", inbound.body.len());
        return Some(Failure::hopeless(text, Reason::TooLarge));
    }
    cloud_event::unfit(&inbound.properties)
}

/// A list with a table for each queue and reason.
fn are_deaths(value: &HeaderValue) -> bool {
    let HeaderValue::List(deaths) = value else { return false };
    deaths.iter().all(|death| {
        let HeaderValue::Table(death) = death else { return false };
        let text = |name: &str| matches!(death.get(name), Some(HeaderValue::Text(_)));
        text("queue") && text("reason") && matches!(death.get("count"), Some(HeaderValue::Integer(_)))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::broker::Properties;

    fn verdict(routing_key: &str, properties: Properties) -> Option<String> {
        unfit(&Inbound::of("orders.events", routing_key, "", properties))
            .map(|failure| format!("{}: {failure}", failure.class()))
    }

    fn deaths(value: HeaderValue) -> Properties {
        Properties { headers: BTreeMap::from([("x-death".into(), value)]), ..Properties::default() }
    }

    fn death(count: HeaderValue) -> HeaderValue {
        let text = |text: &str| HeaderValue::Text(text.to_owned());
        let fields = [("queue", text("q")), ("reason", text("expired")), ("count", count)];
        HeaderValue::Table(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    #[test]
    fn a_short_string_that_was_no_utf_8_is_named() {
        assert_eq!(verdict("a.key", Properties::default()), None);
        assert!(verdict("a.\u{1a}", Properties::default()).unwrap().starts_with("malformed: the routing key"));
        let properties = Properties { message_id: Some("\u{1a}".into()), ..Properties::default() };
        assert!(verdict("a.key", properties).unwrap().starts_with("malformed: message_id"));
        let mut properties = Properties::default();
        properties.set_text("\u{1a}", "v");
        assert!(verdict("a.key", properties).unwrap().starts_with("malformed: the name of a header"));
        let table = BTreeMap::from([("\u{1a}".into(), HeaderValue::Nothing)]);
        let headers = BTreeMap::from([("t".into(), HeaderValue::List(vec![HeaderValue::Table(table)]))]);
        assert!(verdict("a.key", Properties { headers, ..Properties::default() }).is_some());
        // A long string may be anything.
        let mut properties = Properties::default();
        properties.set_text("text", "\u{1a}");
        assert_eq!(verdict("a.key", properties), None);
    }

    #[test]
    fn only_an_x_death_as_the_broker_writes_it_passes() {
        assert_eq!(verdict("a.key", deaths(HeaderValue::List(vec![death(HeaderValue::Integer(3))]))), None);
        for forged in [
            HeaderValue::Text("forged".into()),
            HeaderValue::List(vec![HeaderValue::Integer(1)]),
            HeaderValue::List(vec![death(HeaderValue::Text("3".into()))]),
            HeaderValue::List(vec![death(HeaderValue::Integer(3)), HeaderValue::Nothing]),
            HeaderValue::List(vec![HeaderValue::Table(BTreeMap::new())]),
        ] {
            assert!(verdict("a.key", deaths(forged.clone())).unwrap().contains("x-death"), "{forged:?}");
        }
    }
}

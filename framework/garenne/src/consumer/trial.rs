//! All that is done with a delivery before and after its handler, without a broker. For fuzzing and tests.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::copy::{Failed, is_the_brokers};
use super::unfit::unfit;
use super::{Failure, Message, Observed, cloud_event, read_plainly};
use crate::broker::{DIRECT_REPLY_TO, Inbound, Outgoing, received};
use crate::publisher::header;
use crate::retry::{Ladder, Outcome, Reason, verdict};
use crate::topology::names;

/// A frame of the connection on which copies are published, without what stands around the header in it.
const FRAME: usize = 32_768 - 64;
const SERVICE: &str = "clerk";
const QUEUE: &str = "clerk.desk.ticket-filed";

/// Takes bytes for a delivery of a message `T`, once as it comes from its sender and once as it comes back from the retry
/// ladder.
///
/// # Panics
///
/// When anything of what the library promises about it does not hold.
#[cfg_attr(not(feature = "fuzzing"), expect(unreachable_pub, reason = "the fuzzer's entry"))]
pub fn try_out<T: DeserializeOwned>(bytes: &[u8]) {
    let again = names::retry_key(Duration::from_millis(20), QUEUE);
    for (exchange, routing_key) in [("desk.events", "desk.ticket-filed"), ("clerk.redeliver", again.as_str())] {
        if let Some(inbound) = received(bytes, exchange, routing_key) {
            look_at(&inbound);
            let (inbound, _) = read_plainly(inbound);
            let _either_is_fine = serde_json::from_slice::<T>(&inbound.body);
            let _never_fails = Observed::from(inbound);
        }
    }
}

/// Reads and copies a delivery.
pub(super) fn look_at(inbound: &Inbound) {
    let opened = cloud_event::open(inbound);
    let plain = opened.as_ref().and_then(|opened| opened.as_ref().ok());
    let message = Message::read(plain.unwrap_or(inbound), SERVICE);
    assert!(message.correlation_id().len() <= 255 && message.message_id().is_none_or(|id| id.len() <= 255));
    assert!(message.origin_key.len() <= 255 && message.origin_exchange.len() <= 255);
    assert!(message.attempt() >= 1);
    if inbound.exchange != "clerk.redeliver" {
        assert_eq!((message.attempt(), message.origin_key.as_str()), (1, inbound.routing_key.as_str()));
    }
    let _shown = message.trace().id().to_string();
    let unreadable = opened.and_then(Result::err);
    let failure = unfit(inbound).or(unreadable).unwrap_or_else(|| Failure::retry("é".repeat(2_000)));
    assert!(!matches!(failure.outcome(), Outcome::Hopeless(Reason::Permanent)));
    let _settled = verdict(failure.outcome(), message.attempt(), 7, &Ladder::default());
    let handler = "close";
    let failed = Failed { service: SERVICE, queue: QUEUE, handler, inbound, message: &message, failure: &failure };
    for copy in [failed.retry(Duration::from_hours(24)), failed.dead_letter(Reason::Undecodable)] {
        check(&copy);
        assert_eq!(copy.body, inbound.body);
    }
}

fn check(copy: &Outgoing) {
    let properties = &copy.properties;
    let texts = [
        &properties.message_id,
        &properties.kind,
        &properties.app_id,
        &properties.correlation_id,
        &properties.reply_to,
        &properties.content_type,
        &properties.content_encoding,
    ];
    let weight: usize = texts.into_iter().flatten().map(|text| 1 + text.len()).sum::<usize>()
        + properties.headers.iter().map(|(name, value)| 1 + name.len() + value.weight()).sum::<usize>();
    assert!(weight <= FRAME, "a copy with {weight} bytes of properties fits no frame");
    assert!(copy.routing_key.len() <= 255);
    assert_eq!(properties.expiration, None);
    assert_ne!(properties.reply_to.as_deref(), Some(DIRECT_REPLY_TO));
    assert!(properties.headers.keys().all(|name| !is_the_brokers(name)));
    assert_eq!(properties.text(header::QUEUE), Some(QUEUE));
    assert!(properties.text(header::ERROR).is_some_and(|text| text.len() <= 1024));
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::time::Instant;

    use proptest::collection::{btree_map, vec};
    use proptest::option;
    use proptest::prelude::*;

    use super::*;
    use crate::broker::{HeaderValue, Headers, Properties};

    fn value() -> impl Strategy<Value = HeaderValue> {
        let leaf = prop_oneof![
            "[a-z0-9\u{1a}é]{0,300}".prop_map(HeaderValue::Text),
            vec(any::<u8>(), 0..300).prop_map(HeaderValue::Bytes),
            any::<i64>().prop_map(HeaderValue::Integer),
            any::<bool>().prop_map(HeaderValue::Boolean),
            any::<f64>().prop_map(HeaderValue::Double),
            any::<u64>().prop_map(HeaderValue::Timestamp),
            Just(HeaderValue::Nothing),
        ];
        leaf.prop_recursive(6, 64, 8, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..8).prop_map(HeaderValue::List),
                btree_map("[a-z]{0,9}".prop_map(Cow::Owned), inner, 0..8).prop_map(HeaderValue::Table),
            ]
        })
    }

    /// Names that mean something, and others.
    fn name() -> impl Strategy<Value = String> {
        let known = [
            "x-death",
            "x-first-death-queue",
            "x-delivery-count",
            "CC",
            "BCC",
            "traceparent",
            "tracestate",
            "cloudEvents_id",
            "cloudEvents:type",
            header::ATTEMPT,
            header::ORIGIN_KEY,
            header::ORIGIN_EXCHANGE,
            header::FIRST_FAILED_AT,
            header::LEFT_OUT,
            header::REASON,
            header::ERROR,
            header::SENT_AT,
            header::CONVERSATION_ID,
        ];
        prop_oneof![proptest::sample::select(known.to_vec()).prop_map(str::to_owned), "[ -~]{0,40}"]
    }

    fn short() -> impl Strategy<Value = Option<String>> {
        option::of(prop_oneof!["[ -~\u{1a}]{0,20}", Just("x".repeat(255)), Just(String::new())])
    }

    /// Bytes, or what is nearly a CloudEvent.
    fn body() -> impl Strategy<Value = Vec<u8>> {
        let member = prop_oneof![
            "[ -~é]{0,20}".prop_map(serde_json::Value::from),
            any::<i32>().prop_map(serde_json::Value::from)
        ];
        let names =
            ["specversion", "id", "source", "type", "time", "datacontenttype", "data", "data_base64", "traceparent"];
        let object = btree_map(proptest::sample::select(names.to_vec()), member, 0..9);
        let event = object.prop_map(|mut object| {
            object.entry("specversion").and_modify(|version| *version = "1.0".into());
            serde_json::to_vec(&object).unwrap_or_default()
        });
        prop_oneof![vec(any::<u8>(), 0..50), event]
    }

    fn delivery() -> impl Strategy<Value = Inbound> {
        let exchange = prop_oneof![Just("desk.events".to_owned()), Just("clerk.redeliver".to_owned())];
        let kind = prop_oneof![short(), Just(Some("application/cloudevents+json".to_owned()))];
        let texts = (short(), short(), short(), short(), short(), kind, short(), short());
        // Now and then more than any frame holds.
        let headers = (
            btree_map(name().prop_map(Cow::Owned), value(), 0..20),
            prop_oneof![9 => Just(0_usize), 1 => 1..3_000_usize],
        );
        (exchange, "[a-z.]{0,255}", body(), texts, option::of(any::<u64>()), headers).prop_map(
            |(exchange, routing_key, body, texts, timestamp, (mut headers, padding))| {
                for number in 0..padding {
                    headers.insert(format!("p{number}").into(), HeaderValue::Text("x".repeat(number % 90)));
                }
                let (message_id, kind, app_id, correlation_id, reply_to, content_type, content_encoding, expiration) =
                    texts;
                let properties = Properties {
                    message_id,
                    kind,
                    app_id,
                    correlation_id,
                    reply_to,
                    content_type,
                    content_encoding,
                    expiration,
                    timestamp,
                    headers,
                };
                Inbound::of(&exchange, &routing_key, body, properties)
            },
        )
    }

    proptest! {
        #[test]
        fn whatever_is_delivered_can_be_read_and_copied_within_all_limits(inbound in delivery()) {
            look_at(&inbound);
        }

        #[test]
        fn any_bytes_are_a_delivery_that_does_no_harm_or_none(bytes in vec(any::<u8>(), 0..400)) {
            try_out::<serde_json::Value>(&bytes);
        }

        #[test]
        fn any_headers_are_read_as_far_as_they_are_some(
            flags in any::<u16>(), table in vec(any::<u8>(), 0..120), more in vec(any::<u8>(), 0..60), body in ".{0,40}",
        ) {
            let mut header = vec![0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            header.extend((flags | 1 << 13).to_be_bytes());
            header.extend(u32::try_from(table.len()).unwrap().to_be_bytes());
            header.extend(table);
            header.extend(more);
            let mut bytes = u16::try_from(header.len()).unwrap().to_be_bytes().to_vec();
            bytes.extend(header);
            bytes.extend(body.as_bytes());
            try_out::<serde_json::Value>(&bytes);
        }
    }

    #[test]
    fn a_header_of_thirty_thousand_names_is_copied_at_once() {
        let headers: Headers = (0..30_000).map(|number| (format!("{number:x}").into(), HeaderValue::Nothing)).collect();
        let properties = Properties { headers, ..Properties::default() };
        let began = Instant::now();
        look_at(&Inbound::of("desk.events", "desk.ticket-filed", "", properties));
        // Looking for the largest again after each that is left out would take minutes.
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
}

//! What anybody may send: each bad message is a dead letter with its reason, and the next good one is handled.

use garenne::{Context, Event, Failure, Options, Service};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use serde::{Deserialize, Serialize};
use tests::Raw;

use super::bench::{Bench, Seen, TicketClosed, TicketFiled};

/// What only the shredder may say.
#[derive(Debug, Event, Serialize, Deserialize)]
#[event(name = "shredder.ticket-shredded")]
struct TicketShredded {
    number: u32,
}

async fn note(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
    ctx.state().note(ticket.number.to_string());
    Ok(())
}

/// Publishes a body, and expects a dead letter with this reason and these words while the service lives on.
async fn refuses(body: impl AsRef<[u8]>, properties: BasicProperties, reason: &str, words: &str) {
    let bench = Bench::new().await;
    let service = Service::new("clerk").on_with(note, Options::new().concurrency(1)).publishes::<TicketClosed>();
    let clerk = bench.start(service).await;
    bench.raw.publish_with("desk.events", "desk.ticket-filed", body.as_ref(), properties).await;
    let dead = bench.raw.take("clerk.dlq").await;
    assert_eq!(dead.data, body.as_ref());
    assert_eq!(Raw::header(&dead, "garenne-reason").as_deref(), Some(reason));
    let error = Raw::header(&dead, "garenne-error").expect("an error");
    assert!(error.contains(words), "{words:?} is missing in {error:?}");
    assert!(error.len() <= 1024);
    assert_eq!(Raw::header(&dead, "garenne-attempt").as_deref(), Some("1"));
    bench.file(7).await;
    assert_eq!(bench.seen.reaches(1).await, ["7"]);
    clerk.stop().await;
}

async fn is_undecodable(body: impl AsRef<[u8]>, words: &str) {
    refuses(body, BasicProperties::default(), "undecodable", words).await;
}

#[tokio::test]
async fn a_body_that_is_no_json() {
    is_undecodable("ticket 7, please", "desk.ticket-filed cannot be read: expected").await;
}

#[tokio::test]
async fn an_empty_body() {
    is_undecodable("", "desk.ticket-filed cannot be read: it has no body: missing field `number`").await;
}

#[tokio::test]
async fn a_body_that_ends_too_early() {
    is_undecodable(r#"{"number":"#, "EOF while parsing").await;
}

#[tokio::test]
async fn json_of_another_type() {
    is_undecodable(r#"{"number":"seven"}"#, "invalid type: string \"seven\", expected u32").await;
}

#[tokio::test]
async fn a_missing_field() {
    is_undecodable(r#"{"nummer":7}"#, "missing field `number`").await;
}

#[tokio::test]
async fn a_negative_number() {
    is_undecodable(r#"{"number":-1}"#, "invalid value: integer `-1`, expected u32").await;
}

#[tokio::test]
async fn a_number_that_overflows() {
    is_undecodable(r#"{"number":4294967296}"#, "invalid value: integer `4294967296`, expected u32").await;
}

#[tokio::test]
async fn a_number_beyond_every_type() {
    is_undecodable(r#"{"number":1e999}"#, "number out of range").await;
}

#[tokio::test]
async fn a_body_that_is_no_utf_8() {
    is_undecodable(b"{\"number\":\"\xff\xfe\"}", "desk.ticket-filed cannot be read").await;
}

#[tokio::test]
async fn a_hundred_thousand_open_brackets() {
    is_undecodable("[".repeat(100_000), "desk.ticket-filed cannot be read").await;
    is_undecodable(format!("{{\"number\":1,\"more\":{}", "[".repeat(100_000)), "EOF while parsing a list").await;
}

#[tokio::test]
async fn a_second_value_after_the_first() {
    is_undecodable(r#"{"number":1}{"number":2}"#, "trailing characters").await;
}

#[tokio::test]
async fn a_type_that_the_queue_has_no_handler_for() {
    let properties = BasicProperties::default().with_type("desk.ticket-eaten".into());
    let words = "no handler for type \"desk.ticket-eaten\"; this queue takes desk.ticket-filed";
    refuses(r#"{"number":7}"#, properties, "unknown-type", words).await;
}

#[tokio::test]
async fn a_body_larger_than_brokers_since_4_0_carry() {
    let body = format!("{{\"number\":1,\"padding\":\"{}\"}}", "x".repeat(20 * 1024 * 1024));
    let vhost = tests::Vhost::new();
    if vhost.broker().major_version() >= 4 {
        // Such a broker refuses the message where it is published.
        let refused = tests::Raw::connect(&vhost).await.refused("amq.fanout", "", body.as_bytes()).await;
        assert!(refused.contains("PRECONDITION_FAILED"), "{refused}");
        return;
    }
    refuses(body, BasicProperties::default(), "too-large", "at most 16777216 are handled").await;
}

#[tokio::test]
async fn fields_that_nobody_knows_and_a_foreign_content_type_are_no_fault() {
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").on(note)).await;
    let properties = BasicProperties::default().with_content_type("text/plain".into());
    let body = r#"{"number":7,"colour":"green","nested":{"a":[1,2]}}"#;
    bench.raw.publish_with("desk.events", "desk.ticket-filed", body, properties).await;
    assert_eq!(bench.seen.reaches(1).await, ["7"]);
    clerk.stop().await;
    assert_eq!(bench.raw.ready("clerk.dlq").await, 0);
}

async fn shred(ticket: TicketShredded, ctx: Context<Seen>) -> Result<(), Failure> {
    ctx.state().note(format!("{} shredded", ticket.number));
    Ok(())
}

#[tokio::test]
async fn a_type_that_says_what_only_a_second_routing_key_says() {
    let bench = Bench::new().await;
    bench.raw.exchange("shredder.events").await;
    let clerk = bench.start(Service::new("clerk").on(shred)).await;
    // Brokers of 3.10 ask nobody whether a sender may use the keys in this header.
    let mut headers = FieldTable::default();
    let keys = vec![AMQPValue::LongString("shredder.ticket-shredded".into())];
    headers.insert("CC".into(), AMQPValue::FieldArray(keys.into()));
    let properties = BasicProperties::default().with_headers(headers).with_type("shredder.ticket-shredded".into());
    bench.raw.publish_with("shredder.events", "shredder.ticket-torn-up", r#"{"number":7}"#, properties).await;
    let dead = bench.raw.take("clerk.dlq").await;
    assert_eq!(Raw::header(&dead, "garenne-reason").as_deref(), Some("malformed"));
    assert_eq!(bench.seen.all(), Vec::<String>::new());
    clerk.stop().await;
}

#[tokio::test]
async fn a_type_that_makes_one_message_of_a_queue_look_like_another_one() {
    let bench = Bench::new().await;
    bench.raw.exchange("shredder.events").await;
    let options = Options::new().queue("life");
    let clerk = bench.start(Service::new("clerk").on_with(note, options.clone()).on_with(shred, options)).await;
    // Who may say only that a ticket was filed says so, with the type of what only the shredder may say.
    let properties = BasicProperties::default().with_type("shredder.ticket-shredded".into());
    bench.raw.publish_with("desk.events", "desk.ticket-filed", r#"{"number":7}"#, properties.clone()).await;
    let dead = bench.raw.take("clerk.dlq").await;
    assert_eq!(Raw::header(&dead, "garenne-reason").as_deref(), Some("malformed"));
    bench.raw.publish_with("shredder.events", "shredder.ticket-shredded", r#"{"number":8}"#, properties).await;
    assert_eq!(bench.seen.reaches(1).await, ["8 shredded"]);
    clerk.stop().await;
}

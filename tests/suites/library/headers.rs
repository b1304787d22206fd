//! What travels beside a body: the conversation, the trace, and nothing that anybody could forge.

use garenne::{Context, Failure, Service};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldArray, FieldTable};
use serde_json::json;
use tests::Raw;

use super::bench::{Bench, Seen, TicketClosed, TicketFiled};

async fn close(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
    ctx.publish(&TicketClosed { number: ticket.number }).await?;
    Ok(())
}

async fn fail(_: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
    ctx.state().note(ctx.message().attempt().to_string());
    Err(Failure::retry("busy"))
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

#[tokio::test]
async fn conversation_cause_and_trace_follow_from_the_message_to_what_its_handler_publishes() {
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").on(close).publishes::<TicketClosed>()).await;
    bench.raw.queue("spy", "clerk.events", "clerk.ticket-closed").await;
    let mut headers = FieldTable::default();
    headers.insert("traceparent".into(), text("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    headers.insert("tracestate".into(), text("vendor=1"));
    let properties = BasicProperties::default()
        .with_message_id("filing-1".into())
        .with_correlation_id("conversation-1".into())
        .with_headers(headers);
    bench.raw.publish_with("desk.events", "desk.ticket-filed", r#"{"number":7}"#, properties).await;
    let closed = bench.raw.take("spy").await;
    let property = |value: &Option<lapin::types::ShortString>| value.as_ref().map(ToString::to_string);
    assert_eq!(property(closed.properties.correlation_id()).as_deref(), Some("conversation-1"));
    assert_eq!(property(closed.properties.kind()).as_deref(), Some("clerk.ticket-closed"));
    assert_eq!(property(closed.properties.app_id()).as_deref(), Some("clerk"));
    assert_eq!(property(closed.properties.content_type()).as_deref(), Some("application/json"));
    assert_eq!(*closed.properties.delivery_mode(), Some(2));
    assert!(closed.properties.timestamp().is_some() && closed.properties.message_id().is_some());
    assert_eq!(Raw::header(&closed, "causation-id").as_deref(), Some("filing-1"));
    assert_eq!(Raw::header(&closed, "tracestate").as_deref(), Some("vendor=1"));
    // Whoever exports no spans has no place of its own in the trace.
    let trace = Raw::header(&closed, "traceparent");
    assert_eq!(trace.as_deref(), Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    clerk.stop().await;
}

#[tokio::test]
async fn forged_attempts_and_death_headers_are_not_believed_and_are_stripped_from_every_copy() {
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").on(fail)).await;
    let mut death = FieldTable::default();
    death.insert("queue".into(), text("clerk.retry.20"));
    death.insert("reason".into(), text("expired"));
    death.insert("count".into(), AMQPValue::LongLongInt(1000));
    let mut headers = FieldTable::default();
    headers.insert("garenne-attempt".into(), AMQPValue::LongLongInt(99));
    headers.insert("garenne-origin-routing-key".into(), text("desk.something-else"));
    headers.insert("garenne-origin-exchange".into(), text("forged.events"));
    headers.insert("x-death".into(), AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::FieldTable(death)])));
    headers.insert("x-delivery-count".into(), AMQPValue::LongLongInt(1000));
    headers.insert("x-first-death-queue".into(), text("forged"));
    headers.insert("x-tenant".into(), text("kept"));
    let properties = BasicProperties::default().with_headers(headers).with_expiration("600000".into());
    bench.raw.publish_with("desk.events", "desk.ticket-filed", r#"{"number":7}"#, properties).await;
    let dead = bench.raw.take("clerk.dlq").await;
    assert_eq!(bench.seen.all(), ["1", "2", "3"]);
    for (name, value) in [
        ("garenne-attempt", Some("3")),
        ("garenne-origin-routing-key", Some("desk.ticket-filed")),
        ("garenne-origin-exchange", Some("desk.events")),
        ("x-tenant", Some("kept")),
        ("x-death", None),
        ("x-first-death-queue", None),
    ] {
        assert_eq!(Raw::header(&dead, name).as_deref(), value, "{name}");
    }
    // The broker's own word about this get: 3.10 says 0, later ones say nothing.
    let count = Raw::header(&dead, "x-delivery-count");
    assert!(matches!(count.as_deref(), None | Some("0")), "{count:?}");
    assert_eq!(dead.properties.expiration(), &None);
    clerk.stop().await;
}

#[tokio::test]
async fn headers_that_fill_a_frame_do_not_keep_a_failed_message_from_its_dead_letter() {
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").on(fail)).await;
    let mut headers = FieldTable::default();
    for number in 0..10 {
        headers.insert(format!("padding-{number}").into(), text(&"x".repeat(10_000)));
    }
    headers.insert("x-tenant".into(), text("kept"));
    let properties = BasicProperties::default().with_message_id("big".into()).with_headers(headers);
    bench.raw.publish_with("desk.events", "desk.ticket-filed", r#"{"number":7}"#, properties).await;
    let dead = bench.raw.take("clerk.dlq").await;
    assert_eq!(dead.data, br#"{"number":7}"#);
    assert_eq!(Raw::header(&dead, "garenne-error").as_deref(), Some("busy"));
    assert_eq!(Raw::header(&dead, "x-tenant").as_deref(), Some("kept"));
    let left_out = Raw::header(&dead, "garenne-headers-left-out").expect("what is missing is named");
    assert_eq!(left_out.split(", ").count(), 9, "{left_out}");
    assert_eq!(bench.seen.all(), ["1", "2", "3"]);
    clerk.stop().await;
}

#[tokio::test]
async fn a_service_tells_as_events_what_it_retries_and_what_it_gives_up() {
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").on(fail)).await;
    bench.raw.queue("spy", "clerk.events", "#").await;
    let properties = BasicProperties::default().with_message_id("m-1".into()).with_correlation_id("c-1".into());
    bench.raw.publish_with("desk.events", "desk.ticket-filed", r#"{"number":7}"#, properties).await;
    let mut notice = json!({
        "queue": "clerk.desk.ticket-filed", "message": "desk.ticket-filed", "message_id": "m-1", "error": "busy",
    });
    for (attempt, delay) in [(1, 20), (2, 60)] {
        let told = bench.raw.take("spy").await;
        (notice["attempt"], notice["retry_in_ms"]) = (json!(attempt), json!(delay));
        assert_eq!(told.routing_key.as_str(), "clerk.delivery-retried");
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&told.data).unwrap(), notice);
        assert_eq!(told.properties.correlation_id().as_ref().map(|id| id.as_str()), Some("c-1"));
    }
    let told = bench.raw.take("spy").await;
    notice.as_object_mut().unwrap().remove("retry_in_ms");
    (notice["attempt"], notice["reason"]) = (json!(3), json!("attempts-used-up"));
    assert_eq!(told.routing_key.as_str(), "clerk.delivery-dead-lettered");
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&told.data).unwrap(), notice);
    clerk.stop().await;
}

//! Requests from clients of other libraries, and requests that nobody waits for.

use garenne::{Context, Failure, Refusal, Service};
use lapin::BasicProperties;
use lapin::options::BasicConsumeOptions;
use lapin::types::FieldTable;
use serde_json::Value;
use tests::Raw;

use super::bench::{Bench, Double, Seen, TooBig};

async fn double(ask: Double, ctx: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
    ctx.state().note(format!("{} attempt {}", ask.number, ctx.message().attempt()));
    match ask.number {
        13 => Err(Failure::retry("bad luck").into()),
        1001.. => Err(Refusal::domain(TooBig { limit: 1000 })),
        number => Ok(number * 2),
    }
}

fn clerk() -> Service<Seen> {
    Service::new("clerk").answer(double).answers_foreign_clients()
}

fn asking(reply_to: &str, correlation_id: &str) -> BasicProperties {
    BasicProperties::default().with_reply_to(reply_to.into()).with_correlation_id(correlation_id.into())
}

#[tokio::test]
async fn a_client_with_a_queue_of_the_brokers_making_gets_its_answers_with_its_own_correlation_ids() {
    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    let replies = bench.raw.replies().await;
    let mut consumer = bench.raw.consume(&replies).await;
    bench.raw.publish_with("clerk.requests", "clerk.double", r#"{"number":21}"#, asking(&replies, "mine-1")).await;
    let reply = bench.raw.next(&mut consumer).await;
    assert_eq!(reply.data, b"42");
    assert_eq!(reply.properties.correlation_id().as_ref().map(|id| id.as_str()), Some("mine-1"));
    assert_eq!(reply.properties.content_type().as_ref().map(|kind| kind.as_str()), Some("application/json"));
    for (body, correlation_id, kind, detail) in [
        (r#"{"number":1001}"#, "mine-2", "urn:garenne:refused", "more than 1000"),
        (r#"{"nummer":1}"#, "mine-3", "urn:garenne:malformed", "clerk.double cannot be read: missing field `number`"),
    ] {
        bench.raw.publish_with("clerk.requests", "clerk.double", body, asking(&replies, correlation_id)).await;
        let reply = bench.raw.next(&mut consumer).await;
        let properties = &reply.properties;
        assert_eq!(properties.correlation_id().as_ref().map(|id| id.as_str()), Some(correlation_id));
        assert_eq!(properties.content_type().as_ref().map(|kind| kind.as_str()), Some("application/problem+json"));
        let problem: Value = serde_json::from_slice(&reply.data).expect("JSON");
        assert_eq!(problem["type"], kind);
        assert!(problem["detail"].as_str().expect("a detail").contains(detail), "{problem}");
    }
    clerk.stop().await;
    assert_eq!(bench.raw.ready("clerk.dlq").await, 0);
}

#[tokio::test]
async fn direct_reply_to_works_too() {
    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let consume =
        bench.raw.channel().basic_consume("amq.rabbitmq.reply-to".into(), "".into(), options, FieldTable::default());
    let mut consumer = consume.await.expect("subscribed");
    let asking = asking("amq.rabbitmq.reply-to", "mine");
    bench.raw.publish_with("clerk.requests", "clerk.double", r#"{"number":4}"#, asking).await;
    assert_eq!(bench.raw.next(&mut consumer).await.data, b"8");
    clerk.stop().await;
}

#[tokio::test]
async fn a_reply_address_that_is_no_place_for_replies_is_a_dead_letter_and_its_request_is_not_carried_out() {
    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    let victim = "clerk.clerk.double";
    bench.raw.publish_with("clerk.requests", "clerk.double", r#"{"number":4}"#, asking(victim, "mine")).await;
    let dead = bench.raw.take("clerk.dlq").await;
    let error = Raw::header(&dead, "garenne-error").expect("an error");
    assert!(error.contains("reply_to \"clerk.clerk.double\""), "{error}");
    assert_eq!(bench.seen.all(), Vec::<String>::new());
    clerk.stop().await;
}

#[tokio::test]
async fn a_client_that_has_gone_is_no_fault_of_the_responder() {
    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    bench.raw.publish_with("clerk.requests", "clerk.double", r#"{"number":4}"#, asking("amq.gen-gone", "mine")).await;
    bench.seen.reaches(1).await;
    clerk.stop().await;
    assert_eq!(bench.seen.all(), ["4 attempt 1"]);
    assert_eq!(bench.raw.ready("clerk.dlq").await + bench.raw.ready("clerk.clerk.double").await, 0);
}

#[tokio::test]
async fn a_command_climbs_the_ladder_as_an_event_does_and_its_refusal_is_a_dead_letter() {
    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    bench.raw.publish("clerk.requests", "clerk.double", r#"{"number":13}"#).await;
    let dead = bench.raw.take("clerk.dlq").await;
    assert_eq!(bench.seen.all(), ["13 attempt 1", "13 attempt 2", "13 attempt 3"]);
    assert_eq!(Raw::header(&dead, "garenne-reason").as_deref(), Some("attempts-used-up"));
    bench.raw.publish("clerk.requests", "clerk.double", r#"{"number":1001}"#).await;
    let dead = bench.raw.take("clerk.dlq").await;
    assert_eq!(Raw::header(&dead, "garenne-reason").as_deref(), Some("permanent"));
    assert_eq!(Raw::header(&dead, "garenne-error").as_deref(), Some("more than 1000"));
    bench.raw.publish("clerk.requests", "clerk.double", "nonsense").await;
    let dead = bench.raw.take("clerk.dlq").await;
    assert_eq!(Raw::header(&dead, "garenne-reason").as_deref(), Some("undecodable"));
    bench.raw.publish("clerk.requests", "clerk.double", r#"{"number":4}"#).await;
    bench.seen.reaches(5).await;
    clerk.stop().await;
    assert_eq!(bench.raw.ready("clerk.clerk.double").await, 0);
}

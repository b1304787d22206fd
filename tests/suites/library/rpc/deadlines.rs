//! The deadline travels with the request, and nothing is done for those who have stopped waiting.

use std::time::{Duration, Instant};

use garenne::{AskError, Context, Refusal, Request, Service};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tests::{PATIENCE, Raw, eventually};

use super::{double, now};
use crate::library::bench::{Bench, Double, Seen, TooBig, metric};

/// What the clerk asks while it answers.
#[derive(Debug, Request, Serialize, Deserialize)]
#[request(name = "auditor.check", reply = u32)]
struct Check {
    number: u32,
}

/// Asks as a foreign client would, with a deadline of its own making.
fn asking(reply_to: &str, deadline: u64) -> BasicProperties {
    let mut headers = FieldTable::default();
    headers.insert("garenne-deadline".into(), AMQPValue::LongLongInt(i64::try_from(deadline).expect("a time")));
    let properties = BasicProperties::default().with_reply_to(reply_to.into()).with_correlation_id("mine".into());
    properties.with_headers(headers)
}

fn number_of(delivery: &lapin::message::Delivery, header: &str) -> u64 {
    Raw::header(delivery, header).and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no {header}"))
}

#[tokio::test]
async fn a_request_within_a_handler_has_no_more_time_than_the_request_that_is_answered_has_left() {
    async fn ask_the_auditor(ask: Double, ctx: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
        let left = ctx.message().time_left().expect("the caller said how long it waits");
        eventually("a third of its time is over", || async {
            let now = ctx.message().time_left();
            if now.is_some_and(|now| now < left * 2 / 3) { Ok(()) } else { Err(format!("{now:?} of {left:?}")) }
        })
        .await;
        let began = Instant::now();
        let checked = ctx.ask_within(&Check { number: ask.number }, PATIENCE).await;
        assert!(matches!(checked, Err(AskError::Timeout { waited, .. }) if waited < left), "{checked:?}");
        ctx.state().note(if began.elapsed() < left { "in time" } else { "too late" });
        Ok(0)
    }
    let bench = Bench::new().await;
    bench.raw.exchange("auditor.requests").await;
    bench.raw.queue("auditor", "auditor.requests", "auditor.check").await;
    let service = Service::new("clerk").answer(ask_the_auditor).answers_foreign_clients().asks::<Check>();
    let clerk = bench.start(service).await;
    let replies = bench.raw.replies().await;
    let deadline = now() + 1_500;
    bench.raw.publish_with("clerk.requests", "clerk.double", r#"{"number":4}"#, asking(&replies, deadline)).await;
    let check = bench.raw.take("auditor").await;
    assert!(number_of(&check, "garenne-deadline") <= deadline);
    let expiration = check.properties.expiration().as_ref().expect("an expiration").as_str().parse::<u64>();
    assert!(expiration.is_ok_and(|left| left <= 1_000), "a third of the time had passed");
    assert_eq!(bench.seen.reaches(1).await, ["in time"]);
    clerk.stop().await;
}

#[tokio::test]
async fn a_handler_whose_caller_has_given_up_sends_no_requests() {
    async fn ask_too_late(_: Double, ctx: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
        eventually("the end of the caller's patience", || async {
            let left = ctx.message().time_left();
            if left == Some(Duration::ZERO) { Ok(()) } else { Err(format!("{left:?}")) }
        })
        .await;
        let checked = ctx.ask(&Check { number: 1 }).await;
        ctx.state().note(format!("{checked:?}"));
        Ok(0)
    }
    let bench = Bench::new().await;
    bench.raw.exchange("auditor.requests").await;
    bench.raw.queue("auditor", "auditor.requests", "auditor.check").await;
    let clerk = bench.start(Service::new("clerk").answer(ask_too_late).asks::<Check>()).await;
    let porter = bench.porter(Duration::from_millis(400)).await;
    let timeout = porter.client().ask(&Double { number: 1 }).await;
    assert!(matches!(timeout, Err(AskError::Timeout { .. })), "{timeout:?}");
    let seen = bench.seen.reaches(1).await;
    assert!(seen[0].contains("Timeout"), "{seen:?}");
    assert_eq!(bench.raw.ready("auditor").await, 0);
    porter.stop().await;
    clerk.stop().await;
}

#[tokio::test]
async fn a_request_past_its_deadline_is_refused_and_its_handler_does_not_run() {
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").answer(double).answers_foreign_clients()).await;
    let replies = bench.raw.replies().await;
    bench.raw.publish_with("clerk.requests", "clerk.double", r#"{"number":4}"#, asking(&replies, now() - 1)).await;
    let reply = bench.raw.take(&replies).await;
    let problem: Value = serde_json::from_slice(&reply.data).expect("JSON");
    assert_eq!((&problem["type"], &problem["status"]), (&"urn:garenne:expired".into(), &504.into()));
    metric(&clerk, "garenne_rpc_expired_total{message=\"clerk.double\"} 1").await;
    clerk.stop().await;
    assert_eq!(bench.seen.all(), Vec::<String>::new());
}

#[tokio::test]
async fn a_request_that_nobody_takes_up_in_time_is_dropped_by_the_broker_and_is_no_dead_letter() {
    let bench = Bench::new().await;
    bench.start(Service::new("clerk").answer(double)).await.stop().await;
    let porter = bench.porter(Duration::from_millis(300)).await;
    let began = Instant::now();
    let timeout = porter.client().ask(&Double { number: 1 }).await;
    assert!(matches!(timeout, Err(AskError::Timeout { .. })), "the queue is there, and nobody works it: {timeout:?}");
    assert!(began.elapsed() < PATIENCE);
    bench.waits("clerk.clerk.double", 0).await;
    // A dead letter takes its way at once.
    bench.raw.publish("clerk.requests", "clerk.double", "nonsense").await;
    let clerk = bench.start(Service::new("clerk").answer(double)).await;
    let dead = bench.raw.take("clerk.dlq").await;
    assert_eq!(dead.data, b"nonsense");
    assert_eq!(bench.raw.ready("clerk.dlq").await, 0, "what expired is not among them");
    porter.stop().await;
    clerk.stop().await;
    assert_eq!(bench.seen.all(), Vec::<String>::new());
}

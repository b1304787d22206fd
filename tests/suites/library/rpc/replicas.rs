//! Responders that die, and callers that go.

use std::time::Duration;

use garenne::{AskError, Context, Refusal, Service};
use tests::PATIENCE;

use crate::library::bench::{Bench, Double, Seen, TooBig, metric};

async fn hang_at_first(ask: Double, ctx: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
    ctx.state().note("asked");
    if ctx.message().redelivered() { Ok(ask.number * 2) } else { std::future::pending().await }
}

#[tokio::test]
async fn of_two_replicas_the_one_that_lives_answers_what_the_dead_one_had_begun() {
    let bench = Bench::new().await;
    let first = bench.start(Service::new("clerk").answer(hang_at_first)).await;
    let porter = bench.porter(PATIENCE).await;
    let client = porter.client();
    let calls = tokio::spawn(async move {
        let (one, two) = (Double { number: 1 }, Double { number: 2 });
        tokio::join!(client.ask(&one), client.ask(&two))
    });
    bench.seen.reaches(2).await;
    let second = bench.start(Service::new("clerk").answer(hang_at_first)).await;
    drop(first);
    assert_eq!(calls.await.expect("the calls end"), (Ok(2), Ok(4)));
    assert_eq!(bench.seen.all().len(), 4);
    porter.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn when_the_only_replica_dies_the_deadline_says_so() {
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").answer(hang_at_first)).await;
    let porter = bench.porter(PATIENCE).await;
    let client = porter.client();
    let patience = Duration::from_millis(900);
    let call = tokio::spawn(async move { client.ask_within(&Double { number: 1 }, patience).await });
    bench.seen.reaches(1).await;
    drop(clerk);
    let timeout = call.await.expect("the call ends");
    assert_eq!(timeout, Err(AskError::Timeout { request: "clerk.double", waited: patience }));
    porter.stop().await;
}

#[tokio::test]
async fn a_call_that_is_dropped_is_forgotten_and_its_reply_is_late() {
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").answer(hang_at_first)).await;
    let porter = bench.porter(PATIENCE).await;
    let client = porter.client();
    let call = tokio::spawn(async move { client.ask(&Double { number: 1 }).await });
    bench.seen.reaches(1).await;
    metric(&porter, "garenne_rpc_waiting{} 1").await;
    call.abort();
    metric(&porter, "garenne_rpc_waiting{} 0").await;
    drop(clerk);
    let clerk = bench.start(Service::new("clerk").answer(hang_at_first)).await;
    metric(&porter, "garenne_rpc_late_replies_total{} 1").await;
    porter.stop().await;
    clerk.stop().await;
}

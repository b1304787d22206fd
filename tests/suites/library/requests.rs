//! Questions and answers between two services.

use std::time::{Duration, Instant};

use garenne::{AskError, Context, Failure, Options, Refusal, Service};
use tests::PATIENCE;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::bench::{Bench, Double, Seen, TooBig, metric};

async fn double(ask: Double, ctx: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
    ctx.state().note(ask.number.to_string());
    if ask.number > 1000 { Err(Refusal::domain(TooBig { limit: 1000 })) } else { Ok(ask.number * 2) }
}

#[tokio::test]
async fn a_request_gets_its_reply_or_the_refusal_that_its_contract_names() {
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").answer(double)).await;
    let porter = bench.porter(PATIENCE).await;
    assert_eq!(porter.client().ask(&Double { number: 21 }).await, Ok(42));
    assert_eq!(porter.client().ask_within(&Double { number: 1 }, Duration::MAX).await, Ok(2));
    let refused = porter.client().ask(&Double { number: 1001 }).await;
    assert_eq!(refused, Err(AskError::Remote(TooBig { limit: 1000 })));
    porter.stop().await;
    clerk.stop().await;
}

#[tokio::test]
async fn a_caller_learns_that_a_handler_failed_or_panicked_but_not_its_words() {
    async fn fail(ask: Double, _: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
        match ask.number {
            1 => Err(Refusal::retry("password hunter2 refused")),
            2 => Err(Failure::dead_letter("hunter2 again").into()),
            _ => panic!("hunter2 once more"),
        }
    }
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").answer(fail)).await;
    let porter = bench.porter(PATIENCE).await;
    for (number, retryable) in [(1, true), (2, false), (3, true)] {
        let failed = porter.client().ask(&Double { number }).await;
        let Err(AskError::Problem(problem)) = &failed else { panic!("{failed:?}") };
        assert_eq!((problem.kind.as_str(), problem.retryable), ("urn:garenne:failed", retryable));
        assert!(!format!("{problem:?}").contains("hunter2"), "{problem:?}");
    }
    porter.stop().await;
    clerk.stop().await;
    assert_eq!(bench.raw.ready("clerk.dlq").await, 0, "the caller has been told, so nothing is retried");
}

#[tokio::test]
async fn nobody_there_is_known_at_once_whether_the_responder_never_ran_or_its_queue_is_gone() {
    let bench = Bench::new().await;
    let porter = bench.porter(PATIENCE).await;
    for begin in ["before the exchange exists", "without a queue"] {
        let began = Instant::now();
        let nobody = porter.client().ask(&Double { number: 1 }).await;
        assert_eq!(nobody, Err(AskError::NobodyThere { request: "clerk.double" }), "{begin}");
        assert!(began.elapsed() < PATIENCE / 4, "{begin}: {:?}", began.elapsed());
        bench.raw.exchange("clerk.requests").await;
    }
    porter.stop().await;
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_and_the_reply_that_comes_later_is_counted_and_dropped() {
    static GO_ON: Notify = Notify::const_new();

    async fn late(ask: Double, ctx: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
        ctx.state().note("asked");
        GO_ON.notified().await;
        Ok(ask.number)
    }
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").answer(late)).await;
    let porter = bench.porter(PATIENCE).await;
    let patience = Duration::from_millis(700);
    let began = Instant::now();
    let call = tokio::spawn({
        let client = porter.client();
        async move { client.ask_within(&Double { number: 1 }, patience).await }
    });
    bench.seen.reaches(1).await;
    let timeout = call.await.expect("the call ends");
    assert_eq!(timeout, Err(AskError::Timeout { request: "clerk.double", waited: patience }));
    assert!(began.elapsed() >= patience);
    metric(&porter, "garenne_rpc_timeouts_total{message=\"clerk.double\"} 1").await;
    GO_ON.notify_one();
    metric(&porter, "garenne_rpc_late_replies_total{} 1").await;
    porter.stop().await;
    clerk.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_once_each_get_their_own_reply_from_whichever_replica() {
    let bench = Bench::new().await;
    let mut replicas = Vec::new();
    for _ in 0..3 {
        replicas.push(bench.start(Service::new("clerk").answer(double)).await);
    }
    let porters = [bench.porter(PATIENCE).await, bench.porter(PATIENCE).await];
    let mut calls = JoinSet::new();
    for number in 0..400_u32 {
        let client = porters[usize::from(number % 2 == 0)].client();
        calls.spawn(async move { assert_eq!(client.ask(&Double { number }).await, Ok(number * 2)) });
    }
    calls.join_all().await;
    for service in porters.into_iter().chain(replicas) {
        service.stop().await;
    }
    assert_eq!(bench.seen.all().len(), 400);
}

#[tokio::test]
async fn a_request_whose_responder_dies_is_answered_by_another_replica() {
    async fn hang_at_first(ask: Double, ctx: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
        ctx.state().note("asked");
        if ctx.message().redelivered() { Ok(ask.number * 2) } else { std::future::pending().await }
    }
    let bench = Bench::new().await;
    let first = bench.start(Service::new("clerk").answer(hang_at_first)).await;
    let porter = bench.porter(PATIENCE).await;
    let client = porter.client();
    let call = tokio::spawn(async move { client.ask(&Double { number: 4 }).await });
    bench.seen.reaches(1).await;
    drop(first);
    let second = bench.start(Service::new("clerk").answer(hang_at_first)).await;
    assert_eq!(call.await.expect("the call ends"), Ok(8));
    porter.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn a_lost_connection_fails_the_calls_in_flight_at_once_and_later_calls_work() {
    static GO_ON: Notify = Notify::const_new();

    async fn slow_at_first(ask: Double, ctx: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
        ctx.state().note("asked");
        if ask.number == 1 {
            GO_ON.notified().await;
        }
        Ok(ask.number * 2)
    }
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").answer(slow_at_first)).await;
    // Far beyond what the test may take, so that no call ends by its deadline.
    let porter = bench.porter(PATIENCE * 4).await;
    let client = porter.client();
    let call = tokio::spawn(async move { client.ask(&Double { number: 1 }).await });
    bench.seen.reaches(1).await;
    bench.cut("porter", "consume").await;
    let lost = tokio::time::timeout(PATIENCE, call).await.expect("at once").expect("the call ends");
    assert_eq!(lost, Err(AskError::Disconnected { request: "clerk.double" }));
    assert_eq!(porter.client().ask(&Double { number: 2 }).await, Ok(4));
    GO_ON.notify_one();
    porter.stop().await;
    clerk.stop().await;
}

#[tokio::test]
async fn more_calls_than_may_wait_are_refused_before_they_are_sent() {
    async fn hang(_: Double, ctx: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
        ctx.state().note("asked");
        std::future::pending().await
    }
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").answer_with(hang, Options::new().deadline(PATIENCE))).await;
    let mut settings = bench.settings();
    settings.requests_in_flight = 1;
    let service = Service::new("porter").asks::<Double>();
    let porter = bench.start_with(service, settings).await;
    let client = porter.client();
    let first = tokio::spawn(async move { client.ask_within(&Double { number: 1 }, PATIENCE).await });
    bench.seen.reaches(1).await;
    let second = porter.client().ask(&Double { number: 2 }).await;
    assert_eq!(second, Err(AskError::TooManyCalls { request: "clerk.double", limit: 1 }));
    // Who stops waiting makes room.
    first.abort();
    assert!(first.await.is_err());
    let third = porter.client().ask_within(&Double { number: 3 }, Duration::from_millis(200)).await;
    assert!(matches!(third, Err(AskError::Timeout { .. })), "{third:?}");
    drop((porter, clerk));
}

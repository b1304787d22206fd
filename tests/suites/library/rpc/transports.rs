//! The two ways by which replies come: a queue of the requester's own, and the broker's direct reply-to.

use std::time::{Duration, Instant};

use garenne::{AskError, Context, Refusal, Running, Service};
use tests::{PATIENCE, Raw};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::double;
use crate::library::bench::{Bench, Double, Seen, TooBig, metric};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Queue,
    Direct,
}

const WAYS: [Way; 2] = [Way::Queue, Way::Direct];

/// A service that only asks.
async fn porter(bench: &Bench, way: Way, patience: Duration) -> Running<Seen> {
    let service = Service::new("porter").asks::<Double>();
    let service = if way == Way::Direct { service.direct_replies() } else { service };
    let mut settings = bench.settings();
    settings.request_timeout = patience;
    bench.start_with(service, settings).await
}

#[tokio::test]
async fn both_ways_bring_replies_and_refusals_and_only_one_of_them_needs_an_exchange() {
    for way in WAYS {
        let bench = Bench::new().await;
        let clerk = bench.start(Service::new("clerk").answer(double).answers_foreign_clients()).await;
        let porter = porter(&bench, way, PATIENCE).await;
        assert_eq!(porter.client().ask(&Double { number: 21 }).await, Ok(42), "{way:?}");
        let refused = porter.client().ask(&Double { number: 1001 }).await;
        assert_eq!(refused, Err(AskError::Remote(TooBig { limit: 1000 })), "{way:?}");
        let path = format!("exchanges/{}/porter.replies", bench.vhost.name());
        let exchange = bench.vhost.broker().management().get(&path);
        assert_eq!(exchange.is_ok(), way == Way::Queue, "{way:?}: {exchange:?}");
        porter.stop().await;
        clerk.stop().await;
    }
}

#[tokio::test]
async fn a_request_names_the_address_of_its_way() {
    for way in WAYS {
        let bench = Bench::new().await;
        bench.raw.exchange("clerk.requests").await;
        bench.raw.queue("wire", "clerk.requests", "clerk.double").await;
        let porter = porter(&bench, way, PATIENCE).await;
        let client = porter.client();
        let call = tokio::spawn(async move { client.ask(&Double { number: 1 }).await });
        let request = bench.raw.take("wire").await;
        let reply_to = request.properties.reply_to().as_ref().expect("an address").to_string();
        let begin = if way == Way::Queue { "porter.reply." } else { "amq.rabbitmq.reply-to." };
        assert!(reply_to.starts_with(begin), "{way:?}: {reply_to}");
        let exchange = Raw::header(&request, "garenne-reply-exchange");
        assert_eq!(exchange.as_deref(), (way == Way::Queue).then_some("porter.replies"));
        call.abort();
        porter.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_once_each_get_their_own_reply_by_either_way_and_none_is_left_waiting() {
    for way in WAYS {
        let bench = Bench::new().await;
        let mut replicas = Vec::new();
        for _ in 0..2 {
            replicas.push(bench.start(Service::new("clerk").answer(double).answers_foreign_clients()).await);
        }
        let porter = porter(&bench, way, PATIENCE).await;
        let mut calls = JoinSet::new();
        for number in 0..300_u32 {
            let client = porter.client();
            calls.spawn(async move { assert_eq!(client.ask(&Double { number }).await, Ok(number * 2)) });
        }
        calls.join_all().await;
        metric(&porter, "garenne_rpc_waiting{} 0").await;
        porter.stop().await;
        for replica in replicas {
            replica.stop().await;
        }
        assert_eq!(bench.seen.all().len(), 300, "{way:?}");
    }
}

#[tokio::test]
async fn nobody_there_is_known_in_milliseconds_by_either_way() {
    for way in WAYS {
        let bench = Bench::new().await;
        bench.raw.exchange("clerk.requests").await;
        let porter = porter(&bench, way, PATIENCE).await;
        let mut quickest = PATIENCE;
        for _ in 0..10 {
            let began = Instant::now();
            let nobody = porter.client().ask(&Double { number: 1 }).await;
            assert_eq!(nobody, Err(AskError::NobodyThere { request: "clerk.double" }), "{way:?}");
            quickest = quickest.min(began.elapsed());
        }
        // All of them may be slow on a machine that does other work.
        assert!(quickest < Duration::from_millis(100), "{way:?}: {quickest:?}");
        porter.stop().await;
    }
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_by_either_way_and_its_late_reply_is_counted() {
    async fn late(ask: Double, ctx: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
        ctx.state().note("asked");
        GO_ON.notified().await;
        Ok(ask.number)
    }
    static GO_ON: Notify = Notify::const_new();

    for way in WAYS {
        let bench = Bench::new().await;
        let clerk = bench.start(Service::new("clerk").answer(late).answers_foreign_clients()).await;
        let porter = porter(&bench, way, PATIENCE).await;
        let patience = Duration::from_millis(700);
        let client = porter.client();
        let call = tokio::spawn(async move { client.ask_within(&Double { number: 1 }, patience).await });
        bench.seen.reaches(1).await;
        let timeout = call.await.expect("the call ends");
        assert_eq!(timeout, Err(AskError::Timeout { request: "clerk.double", waited: patience }), "{way:?}");
        metric(&porter, "garenne_rpc_waiting{} 0").await;
        GO_ON.notify_one();
        metric(&porter, "garenne_rpc_late_replies_total{} 1").await;
        porter.stop().await;
        clerk.stop().await;
    }
}

#[tokio::test]
async fn a_lost_connection_fails_what_waits_at_once_by_either_way_and_later_calls_work() {
    async fn slow_at_first(ask: Double, ctx: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
        ctx.state().note("asked");
        if ask.number == 1 {
            GO_ON.notified().await;
        }
        Ok(ask.number * 2)
    }
    static GO_ON: Notify = Notify::const_new();

    for way in WAYS {
        let bench = Bench::new().await;
        let clerk = bench.start(Service::new("clerk").answer(slow_at_first).answers_foreign_clients()).await;
        // Far beyond what the test may take, so that no call ends by its deadline.
        let porter = porter(&bench, way, PATIENCE * 4).await;
        let client = porter.client();
        let call = tokio::spawn(async move { client.ask(&Double { number: 1 }).await });
        bench.seen.reaches(1).await;
        bench.cut("porter", if way == Way::Queue { "consume" } else { "ask" }).await;
        let lost = tokio::time::timeout(PATIENCE, call).await.expect("at once").expect("the call ends");
        assert_eq!(lost, Err(AskError::Disconnected { request: "clerk.double" }), "{way:?}");
        assert_eq!(porter.client().ask(&Double { number: 2 }).await, Ok(4), "{way:?}");
        GO_ON.notify_one();
        porter.stop().await;
        clerk.stop().await;
    }
}

#[tokio::test]
async fn with_direct_replies_a_missing_exchange_is_told_to_its_caller_and_the_channel_comes_back() {
    async fn hang_at_first(ask: Double, ctx: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
        ctx.state().note("asked");
        if ask.number == 1 { std::future::pending().await } else { Ok(ask.number * 2) }
    }
    let bench = Bench::new().await;
    let porter = porter(&bench, Way::Direct, PATIENCE).await;
    let nobody = porter.client().ask(&Double { number: 1 }).await;
    assert!(matches!(nobody, Err(AskError::NobodyThere { .. } | AskError::Disconnected { .. })), "{nobody:?}");
    let clerk = bench.start(Service::new("clerk").answer(hang_at_first).answers_foreign_clients()).await;
    assert_eq!(porter.client().ask(&Double { number: 2 }).await, Ok(4));
    porter.stop().await;
    drop(clerk);
}

//! Who gets a delivery, how often, and in which order.

use std::sync::atomic::{AtomicUsize, Ordering};

use garenne::{Context, Event, Failure, Options, Service};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::bench::{Bench, Seen, TicketFiled, metric};

/// The end of a ticket's life.
#[derive(Debug, Event, Serialize, Deserialize)]
#[event(name = "desk.ticket-torn-up")]
struct TicketTornUp {
    number: u32,
}

#[tokio::test]
async fn messages_that_share_a_queue_with_one_handler_at_once_keep_the_order_in_which_they_were_published() {
    async fn filed(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
        // Later ones would overtake if they could.
        for _ in 0..(5 - ticket.number % 5) * 100 {
            tokio::task::yield_now().await;
        }
        ctx.state().note(format!("{} filed", ticket.number));
        Ok(())
    }
    async fn torn_up(ticket: TicketTornUp, ctx: Context<Seen>) -> Result<(), Failure> {
        ctx.state().note(format!("{} torn up", ticket.number));
        Ok(())
    }
    let bench = Bench::new().await;
    let options = Options::new().queue("life").concurrency(1).prefetch(20);
    let service = Service::new("clerk").on_with(filed, options.clone()).on_with(torn_up, options);
    let clerk = bench.start(service).await;
    let mut expected = Vec::new();
    for number in 0..20 {
        bench.file(number).await;
        bench.raw.publish("desk.events", "desk.ticket-torn-up", format!("{{\"number\":{number}}}")).await;
        expected.extend([format!("{number} filed"), format!("{number} torn up")]);
    }
    assert_eq!(bench.seen.reaches(40).await, expected);
    clerk.stop().await;
}

#[tokio::test]
async fn a_retry_comes_back_only_to_the_queue_whose_handler_failed() {
    async fn stumble(_: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
        ctx.state().note(format!("clerk {}", ctx.message().attempt()));
        if ctx.message().attempt() < 3 { Err(Failure::retry("not yet")) } else { Ok(()) }
    }
    async fn read(_: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
        ctx.state().note(format!("archive {}", ctx.message().attempt()));
        Ok(())
    }
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").on(stumble)).await;
    let archive = bench.start(Service::new("archive").on(read)).await;
    bench.file(1).await;
    let mut seen = bench.seen.reaches(4).await;
    clerk.stop().await;
    archive.stop().await;
    seen.sort();
    assert_eq!(seen, ["archive 1", "clerk 1", "clerk 2", "clerk 3"]);
    assert_eq!(bench.seen.all().len(), 4);
}

#[tokio::test]
async fn replicas_share_a_queue_and_each_delivery_goes_to_one_of_them() {
    async fn count(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
        ctx.state().note(ticket.number.to_string());
        Ok(())
    }
    let bench = Bench::new().await;
    let mut replicas = Vec::new();
    for _ in 0..3 {
        replicas.push(bench.start(Service::new("clerk").on(count)).await);
    }
    for number in 0..60 {
        bench.file(number).await;
    }
    let mut seen: Vec<u32> = bench.seen.reaches(60).await.iter().map(|number| number.parse().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..60).collect::<Vec<_>>());
    for replica in replicas {
        replica.stop().await;
    }
}

#[tokio::test]
async fn what_a_service_had_not_finished_when_it_died_is_delivered_again_and_says_so() {
    async fn hang_at_first(_: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
        ctx.state().note(format!("attempt {} redelivered {}", ctx.message().attempt(), ctx.message().redelivered()));
        if ctx.message().redelivered() { Ok(()) } else { std::future::pending().await }
    }
    let bench = Bench::new().await;
    let first = bench.start(Service::new("clerk").on(hang_at_first)).await;
    bench.file(1).await;
    bench.seen.reaches(1).await;
    drop(first);
    let second = bench.start(Service::new("clerk").on(hang_at_first)).await;
    assert_eq!(bench.seen.reaches(2).await, ["attempt 1 redelivered false", "attempt 1 redelivered true"]);
    second.stop().await;
}

#[tokio::test]
async fn a_delivery_that_comes_again_because_its_connection_was_lost_waits_for_the_handler_that_has_it_still() {
    static AT_ONCE: AtomicUsize = AtomicUsize::new(0);
    static GO_ON: Notify = Notify::const_new();

    async fn slow(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
        assert_eq!(AT_ONCE.fetch_add(1, Ordering::SeqCst), 0, "two handlers at once");
        ctx.state().note(format!("{} begins", ticket.number));
        if !ctx.message().redelivered() {
            GO_ON.notified().await;
        }
        ctx.state().note(format!("{} ends", ticket.number));
        AT_ONCE.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").on_with(slow, Options::new().concurrency(1))).await;
    bench.file(1).await;
    bench.seen.reaches(1).await;
    bench.cut("clerk", "consume").await;
    metric(&clerk, "garenne_reconnects_total{connection=\"consume\"} 1").await;
    bench.delivers("clerk.desk.ticket-filed", 1).await;
    assert_eq!(bench.seen.all(), ["1 begins"]);
    GO_ON.notify_one();
    assert_eq!(bench.seen.reaches(4).await, ["1 begins", "1 ends", "1 begins", "1 ends"]);
    clerk.stop().await;
    assert_eq!(bench.raw.ready("clerk.dlq").await, 0);
}

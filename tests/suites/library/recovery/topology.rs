//! Queues and exchanges that are deleted, or replaced, under a running service.

use std::time::Instant;

use garenne::{Context, Failure, PublishError, Service};
use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions};
use tests::{PATIENCE, Raw};

use super::{BACK, clerk, sees};
use crate::library::bench::{Bench, Seen, TicketClosed, TicketFiled, metric};

async fn delete_exchange(bench: &Bench, name: &str) {
    let delete = bench.raw.channel().exchange_delete(name.into(), ExchangeDeleteOptions::default());
    delete.await.expect("deleted");
}

async fn delete_queue(bench: &Bench, name: &str) {
    let delete = bench.raw.channel().queue_delete(name.into(), QueueDeleteOptions::default());
    delete.await.expect("deleted");
}

/// 1 is a dead letter, and 2 is retried every other time.
async fn refuse(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
    ctx.state().note(ticket.number.to_string());
    let times = ctx.state().all().iter().filter(|seen| **seen == ticket.number.to_string()).count();
    match ticket.number {
        1 => Err(Failure::dead_letter("no such desk")),
        2 if times % 2 == 1 => Err(Failure::retry("not now")),
        _ => Ok(()),
    }
}

#[tokio::test]
async fn a_work_queue_that_was_deleted_is_made_again_and_worked_on() {
    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    delete_queue(&bench, "clerk.desk.ticket-filed").await;
    metric(&clerk, "garenne_reconnects_total{connection=\"consume\"} 1").await;
    bench.file(7).await;
    assert_eq!(bench.seen.reaches(1).await, ["7"]);
    clerk.stop().await;
}

#[tokio::test]
async fn what_a_failed_message_needs_is_made_again_when_it_is_missing() {
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").on(refuse)).await;
    let cases = [(1, "clerk.dlx"), (1, "clerk.dlq"), (2, "clerk.retry"), (2, "clerk.retry.20")];
    for (times, (number, gone)) in (1..).zip(cases) {
        match gone {
            "clerk.dlx" | "clerk.retry" => delete_exchange(&bench, gone).await,
            _ => delete_queue(&bench, gone).await,
        }
        let seen = bench.seen.all().len();
        let began = Instant::now();
        bench.file(number).await;
        metric(&clerk, &format!("garenne_declared_again_total{{}} {times}")).await;
        if number == 1 {
            let dead = bench.raw.take("clerk.dlq").await;
            assert_eq!(Raw::header(&dead, "garenne-error").as_deref(), Some("no such desk"));
        } else {
            bench.seen.reaches(seen + 2).await;
        }
        assert!(began.elapsed() < BACK, "{gone}: {:?}", began.elapsed());
    }
    metric(&clerk, "garenne_consuming{} 1").await;
    assert_eq!(bench.seen.all(), ["1", "1", "2", "2", "2", "2"], "no connection was given up over it");
    clerk.stop().await;
}

#[tokio::test]
async fn a_failed_message_that_finds_no_place_is_kept_and_its_queue_pauses_until_it_does() {
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").on(refuse)).await;
    // Somebody has put another exchange in its place, which the service can neither use nor replace.
    delete_exchange(&bench, "clerk.dlx").await;
    bench.raw.exchange("clerk.dlx").await;
    bench.file(1).await;
    bench.seen.reaches(1).await;
    metric(&clerk, "garenne_paused_total{queue=\"clerk.desk.ticket-filed\"} 1").await;
    // It is neither acknowledged nor handed back. The next one was waited for already; what comes after it is begun by nobody.
    for number in [3, 4] {
        bench.file(number).await;
    }
    bench.delivers("clerk.desk.ticket-filed", 2).await;
    assert_eq!(bench.seen.all(), ["1", "3"]);
    delete_exchange(&bench, "clerk.dlx").await;
    let dead = bench.raw.take("clerk.dlq").await;
    assert_eq!(Raw::header(&dead, "garenne-error").as_deref(), Some("no such desk"));
    sees(&bench, 4).await;
    tokio::time::timeout(PATIENCE, clerk.stop()).await.expect("the service stops");
}

#[tokio::test]
async fn the_exchange_of_a_services_own_events_comes_back_and_who_published_is_told() {
    let bench = Bench::new().await;
    let service = Service::new("clerk").publishes::<TicketClosed>();
    let clerk = bench.start(service).await;
    let client = clerk.client();
    client.publish(&TicketClosed { number: 1 }).await.expect("all is well");
    delete_exchange(&bench, "clerk.events").await;
    let gone = client.publish(&TicketClosed { number: 2 }).await;
    assert!(matches!(gone, Err(PublishError::NoExchange { .. })), "{gone:?}");
    metric(&clerk, "garenne_declared_again_total{} 1").await;
    client.publish(&TicketClosed { number: 3 }).await.expect("the exchange is there again");
    clerk.stop().await;
}

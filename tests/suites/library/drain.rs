//! The end of a service: what has begun is finished, the rest goes back.

use std::time::{Duration, Instant};

use garenne::{Client, Context, Failure, Options, PublishError, Refusal, Service};
use tests::PATIENCE;
use tokio::sync::Notify;

use super::bench::{Bench, Double, Seen, TicketClosed, TicketFiled, TooBig, admin};

async fn note(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
    ctx.state().note(ticket.number.to_string());
    Ok(())
}

#[tokio::test]
async fn what_was_begun_and_what_was_buffered_is_finished_and_nothing_of_it_comes_again() {
    static GO_ON: Notify = Notify::const_new();

    async fn slow(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
        ctx.state().note(format!("{} begins", ticket.number));
        if ticket.number == 0 {
            GO_ON.notified().await;
        }
        ctx.state().note(format!("{} ends", ticket.number));
        Ok(())
    }
    let bench = Bench::new().await;
    let options = Options::new().concurrency(1).prefetch(5);
    let first = bench.start(Service::new("clerk").on_with(slow, options)).await;
    for number in 0..5 {
        bench.file(number).await;
    }
    bench.seen.reaches(1).await;
    bench.delivers("clerk.desk.ticket-filed", 5).await;
    let admin_url = format!("http://{}/readyz", first.admin_addr());
    let stopping = tokio::spawn(first.stop());
    tests::eventually("readiness goes off", || async {
        let answer = tests::http::get(&admin_url).await?;
        if answer.status == 503 && answer.text == "draining\n" { Ok(()) } else { Err(answer.text) }
    })
    .await;
    GO_ON.notify_one();
    stopping.await.expect("the service stops");
    let expected: Vec<String> = (0..5).flat_map(|n| [format!("{n} begins"), format!("{n} ends")]).collect();
    assert_eq!(bench.seen.all(), expected);
    let second = bench.start(Service::new("clerk").on(note)).await;
    bench.file(99).await;
    bench.seen.reaches(11).await;
    assert_eq!(bench.seen.all().split_off(10), ["99"]);
    second.stop().await;
}

#[tokio::test]
async fn a_handler_that_hangs_is_cut_off_at_the_deadline_and_everything_it_held_up_goes_to_the_next_replica() {
    async fn hang(_: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
        ctx.state().note("hangs");
        std::future::pending().await
    }
    let bench = Bench::new().await;
    let mut settings = bench.settings();
    settings.drain = Duration::from_secs(1);
    let service = Service::new("clerk").on_with(hang, Options::new().concurrency(1).prefetch(3));
    let first = bench.start_with(service, settings).await;
    for number in 0..3 {
        bench.file(number).await;
    }
    bench.seen.reaches(1).await;
    bench.delivers("clerk.desk.ticket-filed", 3).await;
    let began = Instant::now();
    first.stop().await;
    let took = began.elapsed();
    assert!((Duration::from_secs(1)..Duration::from_secs(8)).contains(&took), "{took:?}");
    let second = bench.start(Service::new("clerk").on_with(note, Options::new().concurrency(1))).await;
    let mut seen = bench.seen.reaches(4).await.split_off(1);
    seen.sort();
    assert_eq!(seen, ["0", "1", "2"]);
    second.stop().await;
}

#[tokio::test]
async fn a_handler_may_ask_and_publish_while_its_service_drains() {
    static GO_ON: Notify = Notify::const_new();

    async fn double(ask: Double, _: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
        Ok(ask.number * 2)
    }
    async fn ask(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
        ctx.state().note("begins");
        GO_ON.notified().await;
        let number = ctx.ask(&Double { number: ticket.number }).await.map_err(Failure::dead_letter)?;
        ctx.publish(&TicketClosed { number }).await?;
        ctx.state().note("ends");
        Ok(())
    }
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").answer(double)).await;
    let service = Service::new("porter").on(ask).asks::<Double>().publishes::<TicketClosed>();
    let porter = bench.start(service).await;
    bench.raw.queue("spy", "clerk.events", "#").await;
    bench.file(21).await;
    bench.seen.reaches(1).await;
    let client = porter.client();
    let stopping = tokio::spawn(porter.stop());
    client.stopping().await;
    GO_ON.notify_one();
    stopping.await.expect("the service stops");
    assert_eq!(bench.raw.take("spy").await.data, b"{\"number\":42}");
    assert_eq!(bench.seen.all(), ["begins", "ends"]);
    clerk.stop().await;
    assert_eq!(bench.raw.ready("porter.dlq").await, 0);
}

#[tokio::test]
async fn a_background_task_is_told_to_end_and_may_say_its_last_word() {
    async fn last_word(client: Client<Seen>) -> Result<(), PublishError> {
        client.stopping().await;
        client.publish(&TicketClosed { number: 0 }).await.map(drop)
    }
    let bench = Bench::new().await;
    let service = Service::new("clerk").publishes::<TicketClosed>().background("last word", last_word);
    let clerk = bench.start(service).await;
    bench.raw.queue("spy", "clerk.events", "#").await;
    clerk.stop().await;
    assert_eq!(bench.raw.take("spy").await.data, b"{\"number\":0}");
}

#[tokio::test]
async fn a_client_that_somebody_still_holds_does_not_delay_the_end_and_says_that_the_service_has_stopped() {
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").publishes::<TicketClosed>()).await;
    let client = clerk.client();
    let began = Instant::now();
    clerk.stop().await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let stopped = client.publish(&TicketClosed { number: 1 }).await;
    assert!(matches!(stopped, Err(PublishError::Stopped { .. })), "{stopped:?}");
}

#[tokio::test]
async fn a_service_without_a_broker_stops_too() {
    let bench = Bench::new().await;
    let proxy = tests::Proxy::cut_from_the_start(&bench.vhost);
    let service = Service::new("clerk").on(note);
    let clerk = service.start(bench.seen.clone(), bench.settings_through(&proxy)).await.expect("the service starts");
    proxy.attempted(1).await;
    assert_eq!(admin(&clerk, "/livez").await.status, 200);
    tokio::time::timeout(PATIENCE / 2, clerk.stop()).await.expect("the service stops");
}

//! What happens to a delivery.

use std::time::Duration;

use garenne::{Context, Event, Failure, Options, Service};
use serde::{Deserialize, Serialize};
use tests::Raw;

use super::bench::{Bench, Seen, TicketClosed, TicketFiled};

async fn close(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
    ctx.state().note(ticket.number.to_string());
    ctx.publish(&TicketClosed { number: ticket.number }).await?;
    Ok(())
}

#[tokio::test]
async fn an_event_with_nothing_but_a_body_and_a_routing_key_is_handled_and_what_follows_from_it_is_published() {
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").on(close).publishes::<TicketClosed>()).await;
    bench.raw.queue("spy", "clerk.events", "#").await;
    bench.file(7).await;
    let closed = bench.raw.take("spy").await;
    assert_eq!(closed.data, b"{\"number\":7}");
    assert_eq!(closed.routing_key.as_str(), "clerk.ticket-closed");
    assert_eq!(bench.seen.all(), ["7"]);
    clerk.stop().await;
    assert_eq!(bench.raw.ready("clerk.desk.ticket-filed").await, 0);
}

#[tokio::test]
async fn a_failure_climbs_the_ladder_and_is_a_dead_letter_with_its_reasons_when_the_attempts_are_used_up() {
    async fn fail(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
        ctx.state().note(format!("{} attempt {}", ticket.number, ctx.message().attempt()));
        Err(Failure::retry("the printer is on fire"))
    }
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").on_with(fail, Options::new().deadline(Duration::from_secs(5)))).await;
    bench.file(7).await;
    let dead = bench.raw.take("clerk.dlq").await;
    assert_eq!(bench.seen.all(), ["7 attempt 1", "7 attempt 2", "7 attempt 3"]);
    for (name, value) in [
        ("garenne-reason", "attempts-used-up"),
        ("garenne-error", "the printer is on fire"),
        ("garenne-attempt", "3"),
        ("garenne-service", "clerk"),
        ("garenne-handler", "fail"),
        ("garenne-queue", "clerk.desk.ticket-filed"),
        ("garenne-origin-exchange", "desk.events"),
        ("garenne-origin-routing-key", "desk.ticket-filed"),
    ] {
        assert_eq!(Raw::header(&dead, name).as_deref(), Some(value), "{name}");
    }
    clerk.stop().await;
}

#[tokio::test]
async fn a_panic_and_a_passed_deadline_are_retried_and_the_service_lives_on() {
    async fn stumble(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
        let attempt = ctx.message().attempt();
        ctx.state().note(format!("{} attempt {attempt}", ticket.number));
        match (ticket.number, attempt) {
            (1, 1) => panic!("the stapler jams"),
            (2, 1) => std::future::pending().await,
            _ => Ok(()),
        }
    }
    let bench = Bench::new().await;
    let options = Options::new().deadline(Duration::from_millis(50));
    let clerk = bench.start(Service::new("clerk").on_with(stumble, options)).await;
    bench.file(1).await;
    bench.file(2).await;
    let mut seen = bench.seen.reaches(4).await;
    seen.sort();
    assert_eq!(seen, ["1 attempt 1", "1 attempt 2", "2 attempt 1", "2 attempt 2"]);
    clerk.stop().await;
    assert_eq!(bench.raw.ready("clerk.dlq").await, 0);
}

#[tokio::test]
async fn a_panic_before_the_first_await_or_while_the_body_is_read_is_a_failure_like_any_other() {
    #[derive(Debug, Event, Serialize)]
    #[event(name = "desk.ticket-torn")]
    struct TicketTorn;

    impl<'de> Deserialize<'de> for TicketTorn {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("half of it is missing")
        }
    }

    async fn read(_: TicketTorn, _: Context<Seen>) -> Result<(), Failure> {
        Ok(())
    }
    let early = |_: TicketFiled, _: Context<Seen>| -> std::future::Ready<Result<(), Failure>> { panic!("too early") };
    let bench = Bench::new().await;
    let once = Options::new().attempts(1).concurrency(1);
    let clerk = bench.start(Service::new("clerk").on_with(read, once.clone()).on_with(early, once)).await;
    for (key, error) in [
        ("desk.ticket-torn", "the handler panicked: half of it is missing"),
        ("desk.ticket-filed", "the handler panicked: too early"),
    ] {
        bench.raw.publish("desk.events", key, "{\"number\":1}").await;
        let dead = bench.raw.take("clerk.dlq").await;
        assert_eq!(Raw::header(&dead, "garenne-error").as_deref(), Some(error));
        assert_eq!(Raw::header(&dead, "garenne-error-class").as_deref(), Some("panic"));
    }
    clerk.stop().await;
}

#[tokio::test]
async fn a_permanent_failure_is_a_dead_letter_at_once_and_the_number_of_attempts_is_the_handlers_choice() {
    async fn refuse(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
        ctx.state().note(format!("{} attempt {}", ticket.number, ctx.message().attempt()));
        if ticket.number == 1 { Err(Failure::dead_letter("no such desk")) } else { Err(Failure::retry("busy")) }
    }
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").on_with(refuse, Options::new().attempts(2))).await;
    bench.file(1).await;
    let permanent = bench.raw.take("clerk.dlq").await;
    assert_eq!(Raw::header(&permanent, "garenne-reason").as_deref(), Some("permanent"));
    assert_eq!(Raw::header(&permanent, "garenne-error").as_deref(), Some("no such desk"));
    bench.file(2).await;
    let used_up = bench.raw.take("clerk.dlq").await;
    assert_eq!(Raw::header(&used_up, "garenne-reason").as_deref(), Some("attempts-used-up"));
    assert_eq!(bench.seen.all(), ["1 attempt 1", "2 attempt 1", "2 attempt 2"]);
    clerk.stop().await;
}

#[tokio::test]
async fn more_attempts_than_the_ladder_has_steps_stay_at_its_last_step() {
    async fn fail(_: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
        ctx.state().note(ctx.message().attempt().to_string());
        Err(Failure::retry("busy"))
    }
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").on_with(fail, Options::new().attempts(5))).await;
    bench.file(1).await;
    let dead = bench.raw.take("clerk.dlq").await;
    assert_eq!(Raw::header(&dead, "garenne-attempt").as_deref(), Some("5"));
    assert_eq!(bench.seen.all(), ["1", "2", "3", "4", "5"]);
    clerk.stop().await;
}

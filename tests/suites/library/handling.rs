//! What happens to a delivery.

use std::time::Duration;

use garenne::{Context, Failure, Options, Service};
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

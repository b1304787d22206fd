//! What a service shows to Kubernetes and Prometheus.

use std::time::Duration;

use garenne::{Context, Failure, Observed, Refusal, Service};
use tests::{PATIENCE, Proxy};

use super::bench::{Bench, Double, Seen, TicketClosed, TicketFiled, TooBig, admin, metric};

async fn work(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
    if ticket.number == 13 {
        return Err(Failure::retry("bad luck"));
    }
    ctx.publish(&TicketClosed { number: ticket.number }).await?;
    ctx.state().note(ticket.number.to_string());
    Ok(())
}

async fn double(ask: Double, _: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
    Ok(ask.number * 2)
}

#[tokio::test]
async fn a_service_that_loses_the_broker_lives_on_and_says_why_it_is_not_ready() {
    let bench = Bench::new().await;
    let proxy = Proxy::new(&bench.vhost);
    let service = Service::new("clerk").on(work).publishes::<TicketClosed>();
    let clerk = bench.start_with(service, bench.settings_through(&proxy)).await;
    let ready = admin(&clerk, "/readyz").await;
    assert_eq!((ready.status, ready.text.as_str()), (200, "ready\n"));
    proxy.cut();
    tests::eventually("not ready", || async {
        let answer = admin(&clerk, "/readyz").await;
        let says_why = answer.text.contains("no broker answers") || answer.text.contains("is lost");
        if answer.status == 503 && says_why { Ok(()) } else { Err(answer.text) }
    })
    .await;
    let alive = admin(&clerk, "/livez").await;
    assert_eq!((alive.status, alive.text.as_str()), (200, "alive\n"));
    proxy.open();
    tokio::time::timeout(PATIENCE, clerk.ready()).await.expect("the service becomes ready again");
    assert_eq!(admin(&clerk, "/readyz").await.status, 200);
    metric(&clerk, "garenne_reconnects_total{connection=\"consume\"} 1").await;
    clerk.stop().await;
}

#[tokio::test]
async fn a_service_that_cannot_send_requests_is_not_ready_though_it_can_publish() {
    let bench = Bench::new().await;
    let proxy = Proxy::new(&bench.vhost);
    // With direct replies, requests have a connection of their own.
    let service = Service::new("porter").asks::<Double>().direct_replies();
    let porter = bench.start_with(service, bench.settings_through(&proxy)).await;
    assert_eq!(admin(&porter, "/readyz").await.status, 200);
    proxy.stall_new();
    bench.cut("porter", "ask").await;
    tests::eventually("not ready", || async {
        let answer = admin(&porter, "/readyz").await;
        if answer.status == 503 && answer.text.starts_with("not asking: ") { Ok(()) } else { Err(answer.text) }
    })
    .await;
    assert_eq!(admin(&porter, "/livez").await.status, 200);
    proxy.flow_new();
    tokio::time::timeout(PATIENCE, porter.ready()).await.expect("the service becomes ready again");
    metric(&porter, "garenne_reconnects_total{connection=\"ask\"} 1").await;
    let exposition = admin(&porter, "/metrics").await.text;
    let publishes = |line: &&str| line.starts_with("garenne_reconnects_total{") && line.contains("\"publish\"");
    assert_eq!(exposition.lines().find(publishes), None, "the other connection lives");
    porter.stop().await;
}

#[tokio::test]
async fn every_metric_counts_what_happened() {
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").on(work).answer(double).publishes::<TicketClosed>()).await;
    for number in [1, 2, 3, 13] {
        bench.file(number).await;
    }
    bench.raw.take("clerk.dlq").await;
    bench.seen.reaches(3).await;
    let queue = "queue=\"clerk.desk.ticket-filed\"";
    for sample in [
        // Three that are handled at once, and three attempts at the fourth.
        format!("garenne_consumed_total{{{queue}}} 6"),
        format!("garenne_handler_seconds_count{{{queue}}} 6"),
        format!("garenne_in_flight{{{queue}}} 0"),
        format!("garenne_retried_total{{{queue}}} 2"),
        format!("garenne_dead_lettered_total{{{queue},reason=\"attempts-used-up\"}} 1"),
        "garenne_published_total{message=\"clerk.ticket-closed\"} 3".into(),
        "garenne_confirmed_total{message=\"clerk.ticket-closed\"} 3".into(),
        "garenne_unrouted_total{message=\"clerk.ticket-closed\"} 3".into(),
        "garenne_published_total{message=\"clerk.delivery-retried\"} 2".into(),
    ] {
        metric(&clerk, &sample).await;
    }
    let porter = bench.porter(PATIENCE).await;
    for number in 0..4 {
        assert_eq!(porter.client().ask(&Double { number }).await, Ok(number * 2));
    }
    metric(&porter, "garenne_rpc_seconds_count{message=\"clerk.double\"} 4").await;
    metric(&porter, "garenne_published_total{message=\"clerk.double\"} 4").await;
    metric(&porter, "garenne_confirmed_total{message=\"clerk.double\"} 4").await;
    metric(&clerk, "garenne_published_total{message=\"clerk.double.reply\"} 4").await;
    porter.stop().await;
    clerk.stop().await;
}

#[tokio::test]
async fn the_exposition_names_its_format_and_each_sample_has_its_help() {
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").on(work).publishes::<TicketClosed>()).await;
    bench.file(1).await;
    bench.seen.reaches(1).await;
    let exposition = admin(&clerk, "/metrics").await;
    assert_eq!(exposition.status, 200);
    assert_eq!(exposition.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let mut families = 0;
    let mut last = "";
    for line in exposition.text.lines().filter(|line| *line != "# EOF") {
        if let Some(help) = line.strip_prefix("# HELP ") {
            (last, _) = help.split_once(' ').expect("a name and words");
            families += 1;
        }
        assert!(line.starts_with('#') || line.starts_with(last), "{line} stands under {last}");
        assert!(line.starts_with('#') || line.contains("{service=\"clerk\""), "{line} does not name its service");
    }
    assert!(families >= 6, "{}", exposition.text);
    assert!(exposition.text.ends_with("# EOF\n"));
    clerk.stop().await;
}

#[tokio::test]
async fn the_live_feed_shows_every_event_and_survives_an_observer_that_panics() {
    async fn watch(event: Observed, ctx: Context<Seen>) {
        assert_ne!(event.body["number"], 13, "bad luck");
        ctx.state().note(format!("{} {}", event.name, event.body["number"]));
    }
    let bench = Bench::new().await;
    let service = Service::new("clerk").observe(["desk"], watch);
    let clerk = bench.start(service).await;
    for number in [1, 13, 2] {
        bench.file(number).await;
    }
    assert_eq!(bench.seen.reaches(2).await, ["desk.ticket-filed 1", "desk.ticket-filed 2"]);
    tokio::time::timeout(Duration::from_secs(20), clerk.stop()).await.expect("the service stops");
}

#[tokio::test]
async fn what_an_observer_is_told_about_an_event_and_about_its_message_is_the_same() {
    async fn watch(event: Observed, ctx: Context<Seen>) {
        assert_eq!(event.message_id.as_deref(), ctx.message().message_id());
        assert_eq!(event.correlation_id.as_deref(), Some(ctx.message().correlation_id()));
        ctx.state().note(format!("{} of {}", event.message_id.unwrap_or_default(), event.body["number"]));
    }
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").observe(["desk"], watch)).await;
    let event = r#"{"specversion":"1.0","id":"e-1","source":"/desk","type":"desk.ticket-filed","correlationid":"c-1","data":{"number":1}}"#;
    let properties = lapin::BasicProperties::default().with_content_type("application/cloudevents+json".into());
    bench.raw.publish_with("desk.events", "desk.ticket-filed", event, properties).await;
    assert_eq!(bench.seen.reaches(1).await, ["/desk e-1 of 1"]);
    clerk.stop().await;
}

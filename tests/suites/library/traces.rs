//! What a service tells a collector about the messages that it handles, publishes and asks.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use garenne::{Context, Failure, Refusal, Service, Settings, Traces};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use tests::collector::{Collector, Span};
use tests::{Raw, exposition};
use tokio::net::TcpListener;

use super::bench::{Bench, Double, Seen, TicketClosed, TicketFiled, TooBig, admin};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SENDER: &str = "00f067aa0ba902b7";

fn traced(bench: &Bench, url: &str) -> Settings {
    let mut settings = bench.settings();
    settings.traces = Some(Traces::to(&format!("{url}/v1/traces")).expect("a URL").every(Duration::from_millis(50)));
    settings
}

async fn file(bench: &Bench, flags: &str) {
    let mut headers = FieldTable::default();
    headers.insert("traceparent".into(), AMQPValue::LongString(format!("00-{TRACE}-{SENDER}-{flags}").into()));
    let properties = BasicProperties::default()
        .with_message_id("filing-1".into())
        .with_correlation_id("conversation-1".into())
        .with_headers(headers);
    bench.raw.publish_with("desk.events", "desk.ticket-filed", r#"{"number":7}"#, properties).await;
}

fn one<'a>(spans: &'a [Span], service: &str, kind: SpanKind) -> Result<&'a Span, String> {
    let found: Vec<&Span> = spans.iter().filter(|span| span.service == service && span.kind == kind).collect();
    match found.as_slice() {
        [one] => Ok(one),
        others => Err(format!("{others:?} of {spans:?}")),
    }
}

#[tokio::test]
async fn a_handling_is_part_of_what_sent_its_message_and_what_it_publishes_and_asks_is_part_of_the_handling() {
    async fn close(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
        let number = ctx.ask(&Double { number: ticket.number }).await.map_err(Failure::retry)?;
        ctx.publish(&TicketClosed { number }).await?;
        Ok(())
    }
    async fn double(request: Double, _: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
        Ok(request.number * 2)
    }
    let (bench, collector) = (Bench::new().await, Collector::start().await);
    let settings = || traced(&bench, collector.url());
    let service = Service::new("clerk").on(close).answer(double).asks::<Double>().publishes::<TicketClosed>();
    let clerk = bench.start_with(service, settings()).await;
    bench.raw.queue("spy", "clerk.events", "clerk.ticket-closed").await;
    file(&bench, "01").await;
    let closed = bench.raw.take("spy").await;
    clerk.stop().await;
    let spans = collector.spans();
    assert!(spans.iter().all(|span| span.trace == TRACE && !span.failed), "{spans:?}");
    let named =
        |name: &str| spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name}: {spans:?}"));
    let handling = named("process desk.events:desk.ticket-filed:clerk.desk.ticket-filed");
    assert_eq!((handling.parent.as_str(), handling.kind), (SENDER, SpanKind::Consumer));
    assert_eq!(
        (handling.get("messaging.message.id"), handling.get("messaging.message.conversation_id")),
        ("filing-1", "conversation-1")
    );
    assert_eq!((handling.get("code.function.name"), handling.get("garenne.attempt")), ("close", "1"));
    let published = named("send clerk.events:clerk.ticket-closed");
    assert_eq!((&published.parent, published.kind), (&handling.id, SpanKind::Producer));
    assert_eq!(Raw::header(&closed, "traceparent"), Some(format!("00-{TRACE}-{}-01", published.id)));
    let asked = named("ask clerk.requests:clerk.double");
    assert_eq!((&asked.parent, asked.kind), (&handling.id, SpanKind::Client));
    let answering = named("process clerk.requests:clerk.double:clerk.clerk.double");
    assert_eq!((&answering.parent, answering.kind), (&asked.id, SpanKind::Consumer));
    let reply = named("send clerk.replies");
    assert_eq!((&reply.parent, reply.kind), (&answering.id, SpanKind::Producer));
    assert_eq!(spans.len(), 5);
}

#[tokio::test]
async fn each_attempt_is_a_span_with_the_class_of_its_failure_and_a_call_that_fails_says_why() {
    async fn fail(_: TicketFiled, _: Context<Seen>) -> Result<(), Failure> {
        Err(Failure::retry("busy"))
    }
    let (bench, collector) = (Bench::new().await, Collector::start().await);
    let clerk = bench.start_with(Service::new("clerk").on(fail), traced(&bench, collector.url())).await;
    let porter = Service::new("porter").asks::<Double>();
    let porter = bench.start_with(porter, traced(&bench, collector.url())).await;
    file(&bench, "01").await;
    bench.raw.take("clerk.dlq").await;
    let error = porter.client().ask(&Double { number: 1 }).await.expect_err("nobody answers");
    clerk.stop().await;
    porter.stop().await;
    let spans = collector.spans();
    let attempts: Vec<&Span> = spans.iter().filter(|span| span.kind == SpanKind::Consumer).collect();
    let numbers: Vec<&str> = attempts.iter().map(|span| span.get("garenne.attempt")).collect();
    assert_eq!(numbers, ["1", "2", "3"]);
    for attempt in attempts {
        assert_eq!((attempt.get("error.type"), attempt.failed, attempt.parent.as_str()), ("retry", true, SENDER));
        assert_eq!(attempt.name, "process desk.events:desk.ticket-filed:clerk.desk.ticket-filed");
    }
    let call = one(&spans, "porter", SpanKind::Client).unwrap();
    assert_eq!((call.get("error.type"), call.parent.as_str()), ("nobody-there", ""), "{error}");
}

#[tokio::test]
async fn a_request_whose_handler_fails_has_failed_on_both_sides_and_one_that_is_refused_by_its_contract_on_neither() {
    async fn double(request: Double, _: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
        if request.number == 0 { Err(Failure::retry("busy").into()) } else { Err(Refusal::Domain(TooBig { limit: 7 })) }
    }
    let (bench, collector) = (Bench::new().await, Collector::start().await);
    let clerk = bench.start_with(Service::new("clerk").answer(double), traced(&bench, collector.url())).await;
    let porter = Service::new("porter").asks::<Double>();
    let porter = bench.start_with(porter, traced(&bench, collector.url())).await;
    for number in [0, 8] {
        porter.client().ask(&Double { number }).await.expect_err("an error either way");
    }
    clerk.stop().await;
    porter.stop().await;
    let spans = collector.spans();
    let failed = |kind: SpanKind| {
        let of_kind = spans.iter().filter(|span| span.kind == kind);
        of_kind.map(|span| (span.get("error.type"), span.failed)).collect::<BTreeSet<_>>()
    };
    assert_eq!(failed(SpanKind::Consumer), BTreeSet::from([("", false), ("retry", true)]));
    assert_eq!(failed(SpanKind::Client), BTreeSet::from([("", false), ("failed", true)]));
    assert_eq!(failed(SpanKind::Producer), BTreeSet::from([("", false)]));
}

#[tokio::test]
async fn what_is_not_recorded_where_it_begins_is_recorded_nowhere_and_carries_its_place_on() {
    async fn close(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
        ctx.publish(&TicketClosed { number: ticket.number }).await?;
        Ok(())
    }
    let (bench, collector) = (Bench::new().await, Collector::start().await);
    let service = Service::new("clerk").on(close).publishes::<TicketClosed>();
    let clerk = bench.start_with(service, traced(&bench, collector.url())).await;
    bench.raw.queue("spy", "clerk.events", "clerk.ticket-closed").await;
    file(&bench, "00").await;
    let closed = bench.raw.take("spy").await;
    assert_eq!(Raw::header(&closed, "traceparent"), Some(format!("00-{TRACE}-{SENDER}-00")));
    clerk.stop().await;
    assert!(collector.spans().is_empty(), "{:?}", collector.spans());
}

#[tokio::test]
async fn a_collector_that_says_nothing_costs_no_message_and_no_memory_and_holds_up_no_end() {
    const TICKETS: u32 = 3_000;
    async fn note(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
        ctx.state().note(ticket.number.to_string());
        Ok(())
    }
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let bench = Bench::new().await;
    let clerk = bench.start_with(Service::new("clerk").on(note), traced(&bench, &url)).await;
    for number in 0..TICKETS {
        bench.file(number).await;
    }
    bench.seen.reaches(TICKETS as usize).await;
    let text = admin(&clerk, "/metrics").await.text;
    // 2,048 wait, and 512 are on their way to the collector.
    let dropped = exposition::sum(&text, "garenne_spans_dropped_total", "queue-full").unwrap_or(0);
    assert!((400..=3_000).contains(&dropped), "{dropped}: {text}");
    let began = Instant::now();
    clerk.stop().await;
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

//! The way of an order as one trace.

use std::collections::{BTreeMap, BTreeSet};

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use tests::collector::{Collector, Span};
use tests::{CONSUMERS, Shop};

/// A shop whose services tell this collector all that they do.
async fn open(collector: &Collector) -> Shop {
    let mut shop = Shop::empty().await;
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    for service in CONSUMERS.into_iter().chain(["storefront"]) {
        shop.start_with(service, &environment);
    }
    shop.ready().await;
    shop
}

/// The trace of the request that matches this route, once it is whole.
fn trace_of(spans: &[Span], route: &str) -> Result<Vec<Span>, String> {
    let server = spans.iter().find(|span| span.kind == SpanKind::Server && span.name == route);
    let server = server.ok_or_else(|| format!("no {route} among {} spans", spans.len()))?;
    assert_eq!((server.service.as_str(), server.parent.as_str()), ("storefront", ""));
    Ok(spans.iter().filter(|span| span.trace == server.trace).cloned().collect())
}

/// What each span has to be part of. What is told later may still be missing.
fn is_joined(trace: &[Span]) -> Result<(), String> {
    let by_id: BTreeMap<&str, &Span> = trace.iter().map(|span| (span.id.as_str(), span)).collect();
    assert_eq!(by_id.len(), trace.len(), "an id is there twice: {trace:?}");
    for span in trace.iter().filter(|span| span.kind != SpanKind::Server) {
        let parent = by_id.get(span.parent.as_str()).ok_or_else(|| format!("the parent of {span:?} is missing"))?;
        if span.kind == SpanKind::Consumer {
            assert!([SpanKind::Producer, SpanKind::Client].contains(&parent.kind), "{span:?} is part of {parent:?}");
            assert_eq!(span.get("messaging.message.id"), parent.get("messaging.message.id"));
        } else {
            assert_eq!(span.service, parent.service, "{span:?} is part of {parent:?}");
            assert!([SpanKind::Consumer, SpanKind::Server].contains(&parent.kind), "{span:?} is part of {parent:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_order_is_one_trace_from_the_http_request_through_every_service_that_takes_part() {
    let collector = Collector::start().await;
    let shop = open(&collector).await;
    let id = shop.buy("MUG-BLUE", 2, "tok_ok").await;
    shop.reaches(&id, "dispatched").await;
    let trace = collector
        .eventually("the trace of the order", |spans| {
            let trace = trace_of(spans, "POST /api/checkouts")?;
            let services: BTreeSet<&str> = trace.iter().map(|span| span.service.as_str()).collect();
            let expected = ["inventory", "notifications", "orders", "payments", "shipping", "storefront"];
            if services != BTreeSet::from(expected) {
                return Err(format!("{services:?}"));
            }
            // Of those who hear what happened last, notifications is one.
            let heard = |name: &str| {
                let key = |span: &&Span| span.get("messaging.rabbitmq.destination.routing_key") == name;
                trace.iter().filter(key).any(|span| span.service == "notifications")
            };
            if !heard("orders.order-confirmed") || !heard("shipping.shipment-dispatched") {
                return Err(format!("{trace:?}"));
            }
            is_joined(&trace).map(|()| trace)
        })
        .await;
    let conversation = |span: &Span| span.get("messaging.message.conversation_id").to_owned();
    let placed =
        trace.iter().find(|span| span.service == "orders" && span.kind == SpanKind::Producer).expect("it says so");
    assert!(!conversation(placed).is_empty());
    for span in trace.iter().filter(|span| span.kind != SpanKind::Server) {
        assert_eq!(span.get("messaging.system"), "rabbitmq", "{span:?}");
        let (name, kind) = match span.kind {
            SpanKind::Consumer => ("process", "process"),
            SpanKind::Client => ("ask", "send"),
            _ => ("send", "send"),
        };
        assert_eq!((span.get("messaging.operation.name"), span.get("messaging.operation.type")), (name, kind));
        assert!(
            span.get("messaging.destination.name").contains(span.get("messaging.rabbitmq.destination.routing_key"))
        );
        assert!(span.name.starts_with(&format!("{name} ")) && !span.failed, "{span:?}");
    }
    let events = trace.iter().filter(|span| span.get("messaging.destination.name").contains(".events:"));
    assert_eq!(events.map(conversation).collect::<BTreeSet<_>>().len(), 1, "one conversation");
    // Analytics reads the log page by page, and says for which traces.
    let told = &trace[0].trace;
    collector
        .eventually("the page of the log", |spans| {
            let page = |span: &&Span| span.service == "analytics" && span.links.contains(told);
            let page = spans.iter().find(page).ok_or("no page of the log has it")?;
            assert_eq!((page.name.as_str(), page.kind), ("process shop.log", SpanKind::Consumer));
            assert!(page.get("messaging.batch.message_count").parse::<u32>().is_ok_and(|entries| entries > 0));
            Ok(())
        })
        .await;
}

#[tokio::test]
async fn a_question_is_one_trace_from_the_http_request_to_the_reply() {
    let collector = Collector::start().await;
    let shop = open(&collector).await;
    let stock = tests::http::get(&shop.url("/api/stock/MUG-BLUE")).await.expect("it answers");
    assert_eq!(stock.status, 200, "{}", stock.text);
    let trace = collector
        .eventually("the trace of the question", |spans| {
            let trace = trace_of(spans, "GET /api/stock/{sku}")?;
            is_joined(&trace)?;
            if trace.len() == 4 { Ok(trace) } else { Err(format!("{trace:?}")) }
        })
        .await;
    let of = |kind: SpanKind| trace.iter().find(|span| span.kind == kind).expect("one of each kind");
    let (server, client) = (of(SpanKind::Server), of(SpanKind::Client));
    let (consumer, producer) = (of(SpanKind::Consumer), of(SpanKind::Producer));
    assert_eq!((server.get("http.response.status_code"), server.get("http.route")), ("200", "/api/stock/{sku}"));
    assert_eq!(server.get("url.path"), "/api/stock/MUG-BLUE");
    assert_eq!((client.service.as_str(), &client.parent), ("storefront", &server.id));
    assert_eq!(client.name, "ask inventory.requests:inventory.check-stock");
    assert_eq!((consumer.service.as_str(), &consumer.parent), ("inventory", &client.id));
    assert_eq!((producer.service.as_str(), &producer.parent), ("inventory", &consumer.id));
    assert_eq!(producer.get("messaging.destination.temporary"), "true");
}

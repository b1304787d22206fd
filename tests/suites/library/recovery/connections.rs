//! A service outlives its connections.

use std::collections::BTreeSet;

use garenne::{Context, Refusal};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use tests::Proxy;

use super::clerk;
use crate::library::bench::{Bench, Double, Seen, TooBig, admin, metric};

#[tokio::test]
async fn a_service_goes_on_when_either_of_its_connections_was_closed() {
    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    bench.raw.queue("spy", "clerk.events", "clerk.ticket-closed").await;
    for (number, role) in [(1, "consume"), (2, "publish"), (3, "consume")] {
        bench.cut("clerk", role).await;
        bench.file(number).await;
        bench.seen.reaches(usize::try_from(number).unwrap()).await;
        assert_eq!(bench.raw.take("spy").await.data, format!("{{\"number\":{number}}}").into_bytes());
    }
    assert_eq!(bench.seen.all(), ["1", "2", "3"]);
    metric(&clerk, "garenne_reconnects_total{connection=\"consume\"} 2").await;
    metric(&clerk, "garenne_reconnects_total{connection=\"publish\"} 1").await;
    clerk.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_is_lost_while_the_network_comes_and_goes_under_load() {
    let bench = Bench::new().await;
    let proxy = Proxy::new(&bench.vhost);
    let clerk = bench.start_with(clerk(), bench.settings_through(&proxy)).await;
    for number in 0..300 {
        if number % 100 == 50 {
            proxy.cut();
            // The clerk notices before the network is back.
            let ready = || async {
                let status = admin(&clerk, "/readyz").await.status;
                if status == 503 { Ok(()) } else { Err(status.to_string()) }
            };
            tests::eventually("not ready", ready).await;
            proxy.open();
        }
        bench.file(number).await;
    }
    let all: BTreeSet<String> = (0..300).map(|number| number.to_string()).collect();
    tests::eventually("every message", || async {
        let seen: BTreeSet<String> = bench.seen.all().into_iter().collect();
        if seen == all { Ok(()) } else { Err(format!("{} of 300", seen.len())) }
    })
    .await;
    clerk.stop().await;
    bench.waits("clerk.desk.ticket-filed", 0).await;
    assert_eq!(bench.raw.ready("clerk.dlq").await, 0);
}

#[tokio::test]
async fn a_message_that_breaks_every_connection_is_given_up_by_its_queue_and_its_neighbours_are_handled() {
    let bench = Bench::new().await;
    // A first run makes the queue, so that everything waits there before anything is delivered.
    bench.start(clerk()).await.stop().await;
    for number in 1..=3 {
        bench.file(number).await;
    }
    let mut headers = FieldTable::default();
    headers.insert("padding".into(), AMQPValue::LongString("x".repeat(20_000).into()));
    let properties = BasicProperties::default().with_headers(headers);
    bench.raw.publish_with("desk.events", "desk.ticket-filed", r#"{"number":13}"#, properties).await;
    for number in 4..=6 {
        bench.file(number).await;
    }
    // The client gives the connection up over a frame that is larger.
    let settings = bench.settings_at(&format!("{}?frame_max=8192", bench.vhost.url()));
    let clerk = clerk().start(bench.seen.clone(), settings).await.expect("the service starts");
    let dead = bench.raw.take("clerk.dlq").await;
    assert_eq!(dead.data, br#"{"number":13}"#);
    let all: BTreeSet<String> = (1..=6).map(|number| number.to_string()).collect();
    tests::eventually("the neighbours", || async {
        let seen: BTreeSet<String> = bench.seen.all().into_iter().collect();
        if seen == all { Ok(()) } else { Err(format!("{seen:?}")) }
    })
    .await;
    clerk.stop().await;
    assert_eq!(bench.raw.ready("clerk.dlq").await, 0, "no neighbour was given up");
}

async fn double(ask: Double, _: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
    Ok(ask.number * 2)
}

#[tokio::test]
async fn a_message_that_breaks_every_connection_is_no_reason_to_deliver_those_in_other_queues_again_and_again() {
    let bench = Bench::new().await;
    let service = || clerk().answer(double);
    bench.start(service()).await.stop().await;
    let mut headers = FieldTable::default();
    headers.insert("padding".into(), AMQPValue::LongString("x".repeat(20_000).into()));
    let breaks = BasicProperties::default().with_headers(headers);
    bench.raw.publish_with("desk.events", "desk.ticket-filed", r#"{"number":13}"#, breaks).await;
    // Nobody can read it, so each delivery of it ends in a dead letter at once.
    let command = BasicProperties::default().with_message_id("command".into());
    bench.raw.publish_with("clerk.requests", "clerk.double", "no JSON", command).await;
    let settings = bench.settings_at(&format!("{}?frame_max=8192", bench.vhost.url()));
    let clerk = service().start(bench.seen.clone(), settings).await.expect("the service starts");
    let mut dead = Vec::new();
    while !dead.contains(&br#"{"number":13}"#.to_vec()) {
        dead.push(bench.raw.take("clerk.dlq").await.data);
    }
    // Once when nobody knew, and once more at most.
    let deliveries = dead.len() - 1 + usize::try_from(bench.raw.ready("clerk.dlq").await).expect("few");
    assert!((1..=3).contains(&deliveries), "{deliveries} deliveries of the command");
    clerk.stop().await;
}

//! A network that refuses, stays silent, or drops what is sent.

use std::time::{Duration, Instant};

use garenne::PublishError;
use tests::{PATIENCE, Proxy, eventually};

use super::{BACK, clerk, is_not_ready_because, quick_heartbeats, sees};
use crate::library::bench::{Bench, TicketClosed, metric};

#[tokio::test]
async fn a_service_consumes_again_within_5_seconds_of_the_brokers_return_however_long_it_was_gone() {
    let bench = Bench::new().await;
    let proxy = Proxy::new(&bench.vhost);
    let clerk = bench.start_with(clerk(), bench.settings_through(&proxy)).await;
    metric(&clerk, "garenne_consuming{} 1").await;
    metric(&clerk, "garenne_publishing{} 1").await;
    proxy.cut();
    is_not_ready_because(&clerk, "not consuming").await;
    metric(&clerk, "garenne_consuming{} 0").await;
    metric(&clerk, "garenne_publishing{} 0").await;
    bench.file(1).await;
    // Long enough for any backoff to be at its longest.
    proxy.attempted(proxy.attempts() + 16).await;
    proxy.open();
    let began = Instant::now();
    sees(&bench, 1).await;
    assert!(began.elapsed() < BACK, "{:?}", began.elapsed());
    metric(&clerk, "garenne_consuming{} 1").await;
    metric(&clerk, "garenne_publishing{} 1").await;
    clerk.stop().await;
}

#[tokio::test]
async fn handshakes_that_are_never_answered_are_given_up_soon_and_hold_no_socket() {
    let bench = Bench::new().await;
    let proxy = Proxy::new(&bench.vhost);
    let clerk = bench.start_with(clerk(), bench.settings_through(&proxy)).await;
    proxy.stall_new();
    proxy.cut_existing();
    bench.file(1).await;
    is_not_ready_because(&clerk, "says nothing within 3 s").await;
    // Three rounds of both sides.
    proxy.attempted(proxy.attempts() + 6).await;
    let held = proxy.clients();
    assert!(held <= 2, "one attempt of each side, and not {held}");
    // Those that wait now get no answer either: the next ones do.
    proxy.flow_new();
    let began = Instant::now();
    sees(&bench, 1).await;
    assert!(began.elapsed() < BACK, "{:?}", began.elapsed());
    clerk.stop().await;
    eventually("no socket is left", || async {
        let held = proxy.clients();
        if held == 0 { Ok(()) } else { Err(held.to_string()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_on_which_everything_is_dropped_is_noticed_by_its_heartbeats() {
    let bench = Bench::new().await;
    let proxy = Proxy::new(&bench.vhost);
    let mut settings = quick_heartbeats(&bench, &proxy);
    settings.publish_timeout = Duration::from_millis(500);
    let clerk = bench.start_with(clerk(), settings).await;
    bench.raw.queue("spy", "clerk.events", "clerk.ticket-closed").await;
    let client = clerk.client();
    client.publish(&TicketClosed { number: 0 }).await.expect("all is well");
    proxy.stall_existing();
    // The publisher learns at its deadline that nobody knows.
    let unknown = client.publish(&TicketClosed { number: 1 }).await;
    assert!(matches!(unknown, Err(PublishError::Timeout { .. })), "{unknown:?}");
    let began = Instant::now();
    metric(&clerk, "garenne_reconnects_total{connection=\"consume\"} 1").await;
    metric(&clerk, "garenne_reconnects_total{connection=\"publish\"} 1").await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    client.publish(&TicketClosed { number: 2 }).await.expect("the new connection is well");
    bench.file(3).await;
    sees(&bench, 3).await;
    // The half-open sockets are gone although nobody at the other end has ended them.
    eventually("the old sockets", || async {
        let held = proxy.clients();
        if held == 2 { Ok(()) } else { Err(held.to_string()) }
    })
    .await;
    clerk.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_into_the_void_is_sent_again_with_the_same_id_and_then_confirmed() {
    let bench = Bench::new().await;
    let proxy = Proxy::new(&bench.vhost);
    let clerk = bench.start_with(clerk(), quick_heartbeats(&bench, &proxy)).await;
    bench.raw.queue("spy", "clerk.events", "clerk.ticket-closed").await;
    // The broker gets the message, but its confirm is lost with the connection.
    proxy.stall_answers();
    let publishing = tokio::spawn({
        let client = clerk.client();
        async move { client.publish(&TicketClosed { number: 1 }).await }
    });
    bench.waits("spy", 1).await;
    proxy.flow_new();
    let receipt = tokio::time::timeout(PATIENCE, publishing).await.expect("in time").expect("no panic");
    receipt.expect("confirmed by the next connection");
    metric(&clerk, "garenne_sent_again_total{} 1").await;
    let (first, second) = (bench.raw.take("spy").await, bench.raw.take("spy").await);
    assert!(first.properties.message_id().is_some());
    assert_eq!(first.properties.message_id(), second.properties.message_id());
    assert_eq!(first.data, second.data);
    clerk.stop().await;
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_of_a_declare_is_begun_anew() {
    let bench = Bench::new().await;
    let proxy = Proxy::new(&bench.vhost);
    // Two dozen steps, each of which takes a tenth of a second at least.
    proxy.delay(Duration::from_millis(50));
    let clerk = clerk().start(bench.seen.clone(), bench.settings_through(&proxy)).await.expect("the service starts");
    for name in ["clerk.events", "clerk.dlq"] {
        eventually(&format!("{name} is declared"), || async {
            let kind = if name.ends_with("events") { "exchanges" } else { "queues" };
            let all = bench.vhost.broker().management().get(&format!("{kind}/{}", bench.vhost.name()));
            let all = all.map_err(|error| error.to_string())?;
            let found = all.as_array().into_iter().flatten().any(|object| object["name"] == name);
            if found { Ok(()) } else { Err(all.to_string()) }
        })
        .await;
        proxy.cut_existing();
    }
    proxy.flow();
    tokio::time::timeout(PATIENCE, clerk.ready()).await.expect("the service becomes ready");
    bench.file(1).await;
    sees(&bench, 1).await;
    clerk.stop().await;
}

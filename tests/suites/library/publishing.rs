//! Publishing from many tasks at once: each of them gets the truth about its own message.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use garenne::{Client, Event, PublishError, Service};
use lapin::options::ExchangeDeleteOptions;
use serde::{Deserialize, Serialize};
use tests::{PATIENCE, Proxy};
use tokio::task::JoinSet;

use super::bench::{Bench, Seen, TicketClosed};

/// Something else to say.
#[derive(Debug, Event, Serialize, Deserialize)]
#[event(name = "clerk.stamp-used")]
struct StampUsed {
    number: u32,
}

/// Something long to say.
#[derive(Debug, Event, Serialize, Deserialize)]
#[event(name = "clerk.novel-written")]
struct NovelWritten {
    text: String,
}

/// An event of another service, which this one may publish too.
#[derive(Debug, Event, Serialize, Deserialize)]
#[event(name = "annex.form-filled")]
struct FormFilled {
    number: u32,
}

/// Publishes what a queue is bound for, or what none is, and checks that the receipt says so.
async fn publish_and_check(client: &Client<Seen>, number: u32, bound: bool) {
    let receipt = match bound {
        true => client.publish(&TicketClosed { number }).await,
        false => client.publish(&StampUsed { number }).await,
    };
    assert_eq!(receipt.expect("confirmed").routed(), Some(bound), "{number}");
}

fn clerk() -> Service<Seen> {
    Service::new("clerk")
        .publishes::<TicketClosed>()
        .publishes::<StampUsed>()
        .publishes::<NovelWritten>()
        .publishes::<FormFilled>()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_full_queue_rejects_and_what_a_free_one_takes_are_never_mixed_up() {
    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    bench.queue_for_one("full", "clerk.events", "clerk.ticket-closed").await;
    bench.raw.publish("clerk.events", "clerk.ticket-closed", "{}").await;
    bench.raw.queue("free", "clerk.events", "clerk.stamp-used").await;
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let client = clerk.client();
        tasks.spawn(async move {
            for number in 0..500 {
                if task % 2 == 0 {
                    let rejected = client.publish(&TicketClosed { number }).await;
                    assert!(matches!(rejected, Err(PublishError::Rejected { .. })), "{number}: {rejected:?}");
                } else {
                    let receipt = client.publish(&StampUsed { number }).await.expect("confirmed");
                    assert_eq!(receipt.routed(), Some(true), "{number}");
                }
            }
        });
    }
    tasks.join_all().await;
    bench.waits("free", 2000).await;
    bench.waits("full", 1).await;
    clerk.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_say_of_each_message_whether_a_queue_took_it() {
    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    bench.raw.queue("bound", "clerk.events", "clerk.ticket-closed").await;
    let mut tasks = JoinSet::new();
    for number in 0..2000 {
        let client = clerk.client();
        tasks.spawn(async move { publish_and_check(&client, number, number % 3 != 0).await });
    }
    tasks.join_all().await;
    clerk.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_say_so_too_when_few_messages_are_under_way_and_those_that_a_queue_took_are_confirmed_later() {
    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    bench.raw.queue("bound", "clerk.events", "clerk.ticket-closed").await;
    let mut tasks = JoinSet::new();
    for task in 0..4 {
        let client = clerk.client();
        tasks.spawn(async move {
            for number in 0..300 {
                publish_and_check(&client, number, task % 2 == 1).await;
            }
        });
    }
    tasks.join_all().await;
    bench.waits("bound", 600).await;
    clerk.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_to_an_exchange_that_is_gone_is_refused_and_all_others_are_confirmed() {
    let bench = Bench::new().await;
    bench.raw.exchange("annex.events").await;
    let clerk = bench.start(clerk()).await;
    bench.raw.queue("bound", "clerk.events", "clerk.ticket-closed").await;
    clerk.client().publish(&FormFilled { number: 0 }).await.expect("the exchange is there still");
    let delete = bench.raw.channel().exchange_delete("annex.events".into(), ExchangeDeleteOptions::default());
    delete.await.expect("deleted");
    let mut tasks = JoinSet::new();
    for number in 0..300 {
        let client = clerk.client();
        tasks.spawn(async move {
            if number % 100 == 50 {
                let refused = client.publish(&FormFilled { number }).await;
                let Err(PublishError::NoExchange { exchange, .. }) = &refused else { panic!("{refused:?}") };
                assert_eq!(exchange, "annex.events");
            } else {
                assert_eq!(client.publish(&TicketClosed { number }).await.expect("confirmed").routed(), Some(true));
            }
        });
    }
    tasks.join_all().await;
    clerk.stop().await;
}

#[tokio::test]
async fn what_cannot_be_published_is_an_error_before_the_broker_hears_of_it() {
    #[derive(Debug, Event, Serialize, Deserialize)]
    #[event(name = "clerk.secret-told")]
    struct SecretTold;

    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    let client = clerk.client();
    let undeclared = client.publish(&SecretTold).await.unwrap_err();
    assert!(matches!(undeclared, PublishError::Undeclared { .. }));
    assert_eq!(
        undeclared.to_string(),
        "clerk does not declare clerk.secret-told: add .publishes::<…>() to its service()"
    );
    let novel = client.publish(&NovelWritten { text: "x".repeat(17 * 1024 * 1024) }).await.unwrap_err();
    assert!(matches!(novel, PublishError::TooLarge { limit: 16_777_216, .. }), "{novel}");
    let largest = "x".repeat(16 * 1024 * 1024 - "{\"text\":\"\"}".len());
    bench.raw.queue("library", "clerk.events", "clerk.novel-written").await;
    assert_eq!(client.publish(&NovelWritten { text: largest }).await.expect("confirmed").routed(), Some(true));
    clerk.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_confirmed_is_in_the_queue_though_the_connection_is_cut_in_the_middle() {
    static DONE: AtomicBool = AtomicBool::new(false);

    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    bench.raw.queue("bound", "clerk.events", "clerk.ticket-closed").await;
    let mut tasks = JoinSet::new();
    for task in 0..20 {
        let client = clerk.client();
        tasks.spawn(async move {
            let mut confirmed = Vec::new();
            // 2000 messages, and more until the connection was cut twice.
            for number in (0..).map(|step| step * 20 + task) {
                if number >= 2000 && DONE.load(Ordering::SeqCst) {
                    break;
                }
                if client.publish(&TicketClosed { number }).await.is_ok() {
                    confirmed.push(number);
                }
            }
            confirmed
        });
    }
    for _ in 0..2 {
        bench.cut("clerk", "publish").await;
        clerk.ready().await;
    }
    DONE.store(true, Ordering::SeqCst);
    let confirmed: Vec<u32> = tasks.join_all().await.into_iter().flatten().collect();
    assert!(confirmed.len() >= 2000, "all can be published sooner or later: {}", confirmed.len());
    let count = bench.raw.ready("bound").await;
    let mut consumer = bench.raw.consume("bound").await;
    let mut arrived = std::collections::BTreeSet::new();
    for _ in 0..count {
        let delivery = bench.raw.next(&mut consumer).await;
        arrived.insert(serde_json::from_slice::<TicketClosed>(&delivery.data).expect("ours").number);
    }
    let lost: Vec<&u32> = confirmed.iter().filter(|number| !arrived.contains(number)).collect();
    assert!(lost.is_empty(), "confirmed but lost: {lost:?}");
    clerk.stop().await;
}

#[tokio::test]
async fn what_waits_for_its_confirm_is_bounded_and_without_a_broker_ends_at_its_deadline() {
    let bench = Bench::new().await;
    let proxy = Proxy::new(&bench.vhost);
    let mut settings = bench.settings_through(&proxy);
    (settings.publish_in_flight, settings.publish_timeout) = (4, Duration::from_millis(500));
    let clerk = bench.start_with(clerk(), settings).await;
    bench.raw.queue("bound", "clerk.events", "#").await;
    proxy.cut();
    let mut tasks = JoinSet::new();
    for number in 0..50 {
        let client = clerk.client();
        tasks.spawn(async move { client.publish(&TicketClosed { number }).await });
    }
    let began = Instant::now();
    let (mut had_room, mut had_none) = (0, 0);
    for published in tasks.join_all().await {
        match published {
            Err(PublishError::Disconnected { .. }) => had_room += 1,
            Err(PublishError::NoRoom { messages: 4, .. }) => had_none += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(had_room >= 4 && had_none > 0, "{had_room} waited for the broker and {had_none} for room");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    proxy.open();
    tokio::time::timeout(PATIENCE, clerk.ready()).await.expect("the service comes back");
    clerk.client().publish(&StampUsed { number: 1 }).await.expect("what was given up blocks nothing");
    assert_eq!(bench.raw.take("bound").await.routing_key.as_str(), "clerk.stamp-used");
    clerk.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_exchange_is_told_to_those_who_wrote_to_it_and_to_nobody_beside_them() {
    let bench = Bench::new().await;
    let running = bench.start(clerk()).await;
    let mut publishers = JoinSet::new();
    for publisher in 0..8 {
        let client = running.client();
        publishers.spawn(async move {
            for number in 0..150 {
                if publisher == 0 && number % 5 == 0 {
                    // `annex` has never been started.
                    let error = client.publish(&FormFilled { number }).await.expect_err("nobody has it");
                    assert!(matches!(error, PublishError::NoExchange { .. }), "{number}: {error}");
                } else {
                    let published = client.publish(&TicketClosed { number }).await;
                    assert!(published.is_ok(), "{publisher} {number}: {published:?}");
                }
            }
        });
    }
    while let Some(ended) = publishers.join_next().await {
        ended.expect("every outcome is the message's own");
    }
    running.stop().await;
}

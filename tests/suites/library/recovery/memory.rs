//! What a service that cannot publish holds.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use garenne::{Event, PublishError, Service};
use serde::{Deserialize, Serialize};
use tests::Proxy;
use tokio::task::JoinSet;

use super::is_not_ready_because;
use crate::library::bench::{Bench, Seen, idle, metric};

const MIB: usize = 1024 * 1024;
/// What the service in these tests may hold.
const LIMIT: usize = 16 * MIB;

/// Something long to say.
#[derive(Debug, Event, Serialize, Deserialize)]
#[event(name = "clerk.novel-written")]
struct NovelWritten {
    text: String,
}

impl NovelWritten {
    fn of(bytes: usize) -> Arc<Self> {
        Arc::new(Self { text: "x".repeat(bytes) })
    }
}

fn clerk() -> Service<Seen> {
    Service::new("clerk").publishes::<NovelWritten>().background("idle", idle)
}

/// The most that this process ever had in memory, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("the system tells");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    let kib: usize = line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number");
    kib * 1024
}

#[test]
fn the_memory_of_a_service_that_cannot_publish_is_bounded_in_bytes() {
    // In a process of its own: here, other tests use memory too.
    let program = std::env::current_exe().expect("this program");
    let test = "library::recovery::memory::publishing_at_full_speed_without_a_broker";
    let run = Command::new(program).args(["--exact", test, "--ignored", "--nocapture"]).output().expect("it runs");
    let output = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && output.contains("1 passed"), "{output}\n{}", String::from_utf8_lossy(&run.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the_memory_of_a_service_that_cannot_publish_is_bounded_in_bytes runs it in a process of its own"]
async fn publishing_at_full_speed_without_a_broker() {
    let bench = Bench::new().await;
    let proxy = Proxy::new(&bench.vhost);
    let mut settings = bench.settings_through(&proxy);
    settings.publish_in_flight_bytes = u32::try_from(LIMIT).expect("it fits");
    settings.publish_timeout = Duration::from_secs(1);
    let clerk = bench.start_with(clerk(), settings).await;
    let novel = NovelWritten::of(MIB / 4);
    clerk.client().publish(&*novel).await.expect("all is well");
    proxy.cut();
    is_not_ready_because(&clerk, "not publishing").await;
    let (before, began) = (peak(), Instant::now());
    let mut tasks = JoinSet::new();
    for _ in 0..500 {
        let (client, novel) = (clerk.client(), Arc::clone(&novel));
        tasks.spawn(async move {
            let (mut refused, mut lost) = (0, 0);
            while began.elapsed() < Duration::from_secs(4) {
                match client.publish(&*novel).await {
                    Err(PublishError::NoRoom { bytes, .. }) => {
                        assert_eq!(usize::try_from(bytes), Ok(LIMIT));
                        refused += 1;
                    }
                    Err(PublishError::Disconnected { .. }) => lost += 1,
                    other => panic!("{other:?}"),
                }
            }
            (refused, lost)
        });
    }
    let results = tasks.join_all().await;
    let (refused, lost) = results.into_iter().fold((0, 0), |sum, next| (sum.0 + next.0, sum.1 + next.1));
    assert!(refused > 100 && lost > 0, "{refused} found no room, {lost} found no connection");
    let grown = peak().saturating_sub(before);
    println!("{} KiB more while 500 tasks published {refused} + {lost} messages of 256 KiB", grown / 1024);
    // 500 bodies would be 125 MiB.
    assert!(grown < LIMIT + 24 * MIB, "{} MiB", grown / MIB);
    proxy.open();
    clerk.ready().await;
    metric(&clerk, "garenne_publish_in_flight_bytes{} 0").await;
    clerk.stop().await;
}

#[tokio::test]
async fn a_message_larger_than_the_whole_bound_is_published_alone() {
    let bench = Bench::new().await;
    let mut settings = bench.settings();
    settings.publish_in_flight_bytes = 65_536;
    let clerk = bench.start_with(clerk(), settings).await;
    bench.raw.queue("library", "clerk.events", "clerk.novel-written").await;
    let novel = NovelWritten::of(MIB);
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (client, novel) = (clerk.client(), Arc::clone(&novel));
        tasks.spawn(async move { client.publish(&*novel).await });
    }
    for receipt in tasks.join_all().await {
        assert_eq!(receipt.expect("confirmed").routed(), Some(true));
    }
    bench.waits("library", 8).await;
    clerk.stop().await;
}

//! What a service that cannot publish holds. `OUTAGE_SECONDS` says how long it cannot.

mod node;

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use garenne::{Client, Event, PublishError, Service, Settings};
use serde::{Deserialize, Serialize};
use tests::Proxy;
use tokio::task::JoinSet;

use super::is_not_ready_because;
use crate::library::bench::{Bench, Seen, metric};

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
    Service::new("clerk").publishes::<NovelWritten>()
}

/// May hold so much, and says soon that it cannot publish.
fn bounded(mut settings: Settings) -> Settings {
    settings.publish_in_flight_bytes = u32::try_from(LIMIT).expect("it fits");
    settings.publish_timeout = Duration::from_secs(1);
    settings
}

/// The most that this process ever had in memory, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("the system tells");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    let kib: usize = line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number");
    kib * 1024
}

/// How long the service cannot publish.
fn outage() -> Duration {
    let seconds = std::env::var("OUTAGE_SECONDS").map_or(4, |text| text.parse().expect("OUTAGE_SECONDS is a number"));
    Duration::from_secs(seconds)
}

/// Runs an ignored test in a process of its own: here, other tests use memory too. Returns what it printed.
fn alone(test: &str) -> String {
    let program = std::env::current_exe().expect("this program");
    let run = Command::new(program).args(["--exact", test, "--ignored", "--nocapture"]).output().expect("it runs");
    let output = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && output.contains("1 passed"), "{output}\n{}", String::from_utf8_lossy(&run.stderr));
    output.into_owned()
}

/// Publishes at full speed through an [`outage`] and counts what is said of it. Returns the bytes that the process has used in
/// addition, too.
async fn flood(client: &Client<Seen>) -> (BTreeMap<String, usize>, usize) {
    let novel = NovelWritten::of(MIB / 4);
    let (before, began) = (peak(), Instant::now());
    let mut tasks = JoinSet::new();
    for _ in 0..500 {
        let (client, novel) = (client.clone(), Arc::clone(&novel));
        tasks.spawn(async move {
            let mut ends = BTreeMap::<String, usize>::new();
            while began.elapsed() < outage() {
                let end = match client.publish(&*novel).await {
                    Ok(_) => "confirmed".to_owned(),
                    Err(PublishError::NoRoom { bytes, .. }) => {
                        assert_eq!(usize::try_from(bytes), Ok(LIMIT));
                        "no room".to_owned()
                    }
                    Err(PublishError::Blocked { .. }) => "blocked".to_owned(),
                    // The alarm is raised before the connection hears of it.
                    Err(PublishError::Timeout { .. }) => "not confirmed".to_owned(),
                    Err(PublishError::Disconnected { .. }) => "disconnected".to_owned(),
                    Err(other) => panic!("{other:?}"),
                };
                *ends.entry(end).or_default() += 1;
            }
            ends
        });
    }
    let mut ends = BTreeMap::new();
    for (end, count) in tasks.join_all().await.into_iter().flatten() {
        *ends.entry(end).or_default() += count;
    }
    let grown = peak().saturating_sub(before);
    // 500 bodies would be 125 MiB.
    assert!(grown < LIMIT + 24 * MIB, "{} MiB", grown / MIB);
    assert!(ends["no room"] > 100, "{ends:?}");
    (ends, grown)
}

#[test]
fn the_memory_of_a_service_that_cannot_publish_is_bounded_in_bytes() {
    println!("{}", alone("library::recovery::memory::publishing_at_full_speed_without_a_broker"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the_memory_of_a_service_that_cannot_publish_is_bounded_in_bytes runs it in a process of its own"]
async fn publishing_at_full_speed_without_a_broker() {
    let bench = Bench::new().await;
    let proxy = Proxy::new(&bench.vhost);
    let clerk = bench.start_with(clerk(), bounded(bench.settings_through(&proxy))).await;
    clerk.client().publish(&*NovelWritten::of(MIB / 4)).await.expect("all is well");
    proxy.cut();
    is_not_ready_because(&clerk, "not publishing").await;
    let (ends, grown) = flood(&clerk.client()).await;
    println!("{:?} of messages of 256 KiB by 500 tasks: {} MiB more, {ends:?}", outage(), grown / MIB);
    assert!(ends.keys().eq(["disconnected", "no room"]), "{ends:?}");
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

//! Many calls while responders are killed. `RPC_CALLS` says how many; the bar is 100,000.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Peer, Raw, Vhost, eventually, http, lasting, resident};

const IN_FLIGHT: u32 = 64;
/// What a call may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// What it may take beyond that.
const BEYOND_MS: f64 = 100.0;
/// What a responder takes for an answer: so many calls are under way when it dies.
const WORK_MS: u32 = 50;
/// Calls after which the requester has the size that it keeps.
const WARM_UP: u64 = 10_000;
const BETWEEN_KILLS: Duration = Duration::from_secs(2);

fn calls() -> u64 {
    std::env::var("RPC_CALLS").map_or(6_000, |text| text.parse().expect("RPC_CALLS is a number"))
}

fn environment(vhost: &Vhost, role: &str, instance: &str) -> Vec<(&'static str, String)> {
    vec![
        ("AMQP_URL", vhost.url()),
        ("ADMIN_ADDR", "127.0.0.1:0".to_owned()),
        ("INSTANCE", instance.to_owned()),
        ("RPC_ROLE", role.to_owned()),
        ("RPC_WORK_MS", WORK_MS.to_string()),
        // What threads keep for themselves is no leak.
        ("MALLOC_ARENA_MAX", "1".to_owned()),
    ]
}

/// Replicas of the responder. The oldest one dies, and another one takes its place.
struct Responders {
    living: std::collections::VecDeque<Peer>,
    started: usize,
}

impl Responders {
    fn start(&mut self, vhost: &Vhost, folder: &Path) {
        self.started += 1;
        let name = format!("warehouse-{}", self.started);
        self.living.push_back(Peer::start(&name, folder, &environment(vhost, "library-answer", &name)));
    }
}

fn order(requester: &mut Peer, calls: u64) -> Value {
    let patience = u64::try_from(DEADLINE.as_millis()).expect("short");
    requester.order(&json!({"calls": calls, "in_flight": IN_FLIGHT, "patience_ms": patience}))
}

async fn consumers(raw: &Raw, queue: &str, wanted: u32) {
    let options = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
    eventually(&format!("{wanted} consumers of {queue}"), || async {
        // A queue that is not there yet costs the channel.
        let channel = raw.connection().create_channel().await.map_err(|error| error.to_string())?;
        let declared = channel.queue_declare(queue.into(), options, lapin::types::FieldTable::default()).await;
        let count = declared.map_err(|error| error.to_string())?.consumer_count();
        if count >= wanted { Ok(()) } else { Err(count.to_string()) }
    })
    .await;
}

/// Makes the calls by this way for replies, while responders die.
#[expect(clippy::print_stdout, reason = "the figures of a long run are read by whoever asked for it")]
async fn every_call_ends(calls: u64, direct: bool) {
    let vhost = Vhost::new();
    let raw = Raw::connect(&vhost).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut responders = Responders { living: std::collections::VecDeque::new(), started: 0 };
    for _ in 0..3 {
        responders.start(&vhost, folder.path());
    }
    consumers(&raw, "warehouse.warehouse.check-stock", 3).await;
    let mut desk = environment(&vhost, "library-ask", "desk");
    let admin = format!("127.0.0.1:{}", machine::ports::free().expect("a free port"));
    desk.push(("ADMIN_ADDR", admin.clone()));
    if direct {
        desk.push(("RPC_DIRECT", "1".to_owned()));
    }
    let mut requester = Peer::start("desk", folder.path(), &desk);
    let process = requester.id();
    let began = Instant::now();
    let mut asking = tokio::task::spawn_blocking(move || {
        let first = order(&mut requester, WARM_UP);
        let warm = resident(process);
        let rest = order(&mut requester, calls);
        (requester, [first, rest], warm)
    });
    let mut killed = 0;
    let (requester, results, warm) = loop {
        tokio::select! {
            ended = &mut asking => break ended.expect("the calls end"),
            () = lasting(BETWEEN_KILLS) => {
                drop(responders.living.pop_front());
                killed += 1;
                responders.start(&vhost, folder.path());
            }
        }
    };
    let (took, end) = (began.elapsed().as_secs(), resident(process));
    println!(
        "{calls} calls in {took} s, {killed} responders killed, replies by {}\n{}\n{}\nmemory {warm} KiB after {WARM_UP} calls before those, {end} KiB at the end",
        if direct { "direct reply-to" } else { "a queue" },
        results[0],
        results[1],
    );
    let sum = |name: &str| results.iter().map(|result| result[name].as_u64().expect("a count")).sum::<u64>();
    let errors = results.iter().filter_map(|result| result["errors"].as_object()).flat_map(|errors| errors.values());
    let errors: u64 = errors.filter_map(Value::as_u64).sum();
    let calls = WARM_UP + calls;
    assert_eq!((sum("calls"), sum("replies") + errors), (calls, calls), "each call ends in a reply or a typed error");
    assert_eq!(sum("wrong"), 0, "each caller gets its own reply");
    assert!(errors * 100 <= calls, "{errors} errors while there are two replicas that live");
    let latest = results.iter().filter_map(|result| result["latest_ms"].as_f64()).fold(f64::MIN, f64::max);
    assert!(latest <= BEYOND_MS, "a call ended {latest} ms after its deadline");
    assert!(killed > 0, "{took} s were not enough to kill anybody; ask for more calls");
    eventually("nobody waits any more", || async {
        let text = http::get(&format!("http://{admin}/metrics")).await.expect("the requester answers").text;
        let waiting = text.lines().find(|line| line.starts_with("garenne_rpc_waiting{")).unwrap_or_default().to_owned();
        if waiting.ends_with(" 0") { Ok(()) } else { Err(waiting) }
    })
    .await;
    drop(requester);
    assert_eq!(raw.ready("warehouse.dlq").await, 0, "no request is a dead letter");
    let allowed = warm + warm / 20;
    assert!(end <= allowed, "resident memory grew from {warm} KiB to {end} KiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_responders_are_killed_every_call_ends_by_its_deadline_and_none_is_left_waiting() {
    every_call_ends(calls(), false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_direct_reply_to_every_call_ends_by_its_deadline_too() {
    every_call_ends(calls().min(6_000), true).await;
}

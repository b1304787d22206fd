//! Many calls, some of them at a time, and what became of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::latencies::Latencies;
use crate::orders::Used;

/// So many calls, or for so long.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Load {
    /// At most so many calls.
    #[serde(default = "no_limit")]
    calls: u32,
    /// None is begun after so many seconds.
    #[serde(default = "for_ever")]
    seconds: f64,
    in_flight: u32,
    patience_ms: u64,
}

/// What became of a call: the reply to it, the reply to another one, or the kind of error.
pub(crate) type Fate = Result<bool, &'static str>;

/// What became of all calls.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Summary {
    calls: u64,
    replies: u64,
    /// Replies that belong to another call.
    wrong: u64,
    errors: BTreeMap<&'static str, u64>,
    /// How long after its deadline the latest call ended. Negative when all ended before theirs.
    latest_ms: Option<f64>,
    seconds: f64,
    #[serde(flatten)]
    used: Used,
    /// Of the replies, in milliseconds.
    median_ms: f64,
    p99_ms: f64,
    #[serde(skip)]
    took: Latencies,
}

fn no_limit() -> u32 {
    u32::MAX
}

fn for_ever() -> f64 {
    f64::MAX
}

/// A call that has not ended so long after its deadline never does.
const HANGS: Duration = Duration::from_secs(5);

/// Makes the calls.
pub(crate) async fn run<C, F>(load: &Load, call: C) -> Summary
where
    C: Fn(u32, Duration) -> F + Clone + Send + 'static,
    F: Future<Output = Fate> + Send + 'static,
{
    let (began, before) = (Instant::now(), Used::so_far());
    let patience = Duration::from_millis(load.patience_ms);
    let next = Arc::new(AtomicU32::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..load.in_flight {
        let (call, next, load) = (call.clone(), Arc::clone(&next), load.clone());
        callers.spawn(async move {
            let mut summary = Summary::default();
            while began.elapsed().as_secs_f64() < load.seconds {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= load.calls {
                    break;
                }
                let asked = Instant::now();
                // One that hangs is told from one that is late, and does not hold up the others' count.
                let fate = timeout(patience + HANGS, call(number, patience)).await.unwrap_or(Err("hangs"));
                summary.note(fate, asked.elapsed(), patience);
            }
            summary
        });
    }
    let mut all = callers.join_all().await.into_iter().fold(Summary::default(), Summary::and);
    (all.seconds, all.used) = (began.elapsed().as_secs_f64(), Used::so_far().since(before));
    (all.median_ms, all.p99_ms) = (all.took.percentile(50), all.took.percentile(99));
    all
}

impl Summary {
    fn note(&mut self, fate: Fate, took: Duration, patience: Duration) {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        let late = milliseconds(took) - milliseconds(patience);
        self.calls += 1;
        self.latest_ms = Some(self.latest_ms.map_or(late, |latest| latest.max(late)));
        match fate {
            Ok(right) => {
                self.replies += 1;
                self.wrong += u64::from(!right);
                self.took.note(milliseconds(took));
            }
            Err(kind) => *self.errors.entry(kind).or_default() += 1,
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.calls += other.calls;
        self.replies += other.replies;
        self.wrong += other.wrong;
        for (kind, count) in other.errors {
            *self.errors.entry(kind).or_default() += count;
        }
        self.latest_ms = [self.latest_ms, other.latest_ms].into_iter().flatten().reduce(f64::max);
        self.took.add(&other.took);
        self
    }
}

//! Orders from standard input, a line each.

use std::fs;
use std::io::{BufRead as _, Write as _};
use std::process::exit;
use std::thread;

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;

use crate::load::Load;

/// What this process has used of the machine.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Used {
    /// Of the processors: its own code and the system's on its behalf.
    processor_seconds: f64,
    /// How often one of its threads has waited to be woken.
    waits: u64,
}

impl Used {
    pub(crate) fn so_far() -> Self {
        let used = clock_gettime(ClockId::ProcessCPUTime);
        let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let status = threads.filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok());
        Self {
            processor_seconds: used.tv_sec as f64 + used.tv_nsec as f64 / 1e9,
            waits: status.filter_map(|status| waits(&status)).sum(),
        }
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            processor_seconds: self.processor_seconds - before.processor_seconds,
            waits: self.waits.saturating_sub(before.waits),
        }
    }
}

fn waits(status: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?.trim().parse().ok()
}

/// Answers each line with what is used so far, until the input ends, and then ends the process.
pub(crate) fn report_use() -> thread::JoinHandle<()> {
    thread::spawn(|| {
        for _ in std::io::stdin().lock().lines().map_while(Result::ok) {
            say(&json!(Used::so_far()));
        }
        exit(0);
    })
}

/// The loads that are ordered, until the input ends; then the process ends.
pub(crate) fn loads() -> mpsc::UnboundedReceiver<Load> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let reader = move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(load) => drop(sender.send(load)),
                Err(error) => say(&json!({"error": format!("{line}: {error}")})),
            }
        }
        exit(0);
    };
    drop(thread::spawn(reader));
    receiver
}

/// Writes a line.
pub(crate) fn say(line: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    // Whoever ordered it may have gone.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

//! Orders from standard input, a line each.

use std::io::{BufRead as _, Write as _};
use std::process::exit;
use std::thread;

use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use tokio::sync::mpsc;

use crate::load::Load;

/// What this process has used of the processors, in seconds: its own code and the system's on its behalf.
pub(crate) fn processor_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

/// Answers each line with the processor time, until the input ends, and then ends the process.
pub(crate) fn report_processor_time() -> thread::JoinHandle<()> {
    thread::spawn(|| {
        for _ in std::io::stdin().lock().lines().map_while(Result::ok) {
            say(&json!({"processor_seconds": processor_seconds()}));
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

//! The chaos of every test run: small enough for a pipeline, and always the same.

use std::time::Instant;

use super::outcome;
use super::report::{Outcome, Report};
use super::suite::SuiteName;
use super::target::Target;
use crate::chaos::{self, ChaosOptions};

/// The same faults in every pipeline: a change that breaks it is to blame. `cargo xtask chaos` looks for others.
const SEED: u64 = 42;
const FAULTS: usize = 12;
const ORDERS: usize = 2_000;
const ORDERS_PER_SECOND: f64 = 25.0;

/// Breaks things on one node of this broker's release, if that is ours to break, and adds a row.
pub(super) fn report(target: &Target, report: &mut Report) {
    let row = format!("{} on {}", SuiteName::Chaos, target.version());
    println!("{row}");
    let started = Instant::now();
    if let Err(reason) = target.installation() {
        report.add(row, Outcome::Skipped(reason), started);
        return;
    }
    let options = ChaosOptions {
        seed: Some(SEED),
        broker: target.choice().clone(),
        orders_per_second: ORDERS_PER_SECOND,
        faults: Some(FAULTS),
        orders: Some(ORDERS),
        ..ChaosOptions::default()
    };
    report.add(row, outcome(chaos::run(&options).map(drop)), started);
}

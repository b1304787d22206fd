//! The report of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tests::faults::Kind;

use crate::audit::Findings;

/// Every service consumes again within this time of the broker's answer.
pub(crate) const BAR: Duration = Duration::from_secs(5);

/// The faults of one kind.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Recoveries {
    count: usize,
    longest: Duration,
}

/// All that a run has shown.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) broker: String,
    pub(crate) store: String,
    pub(crate) seed: u64,
    pub(crate) recoveries: BTreeMap<Kind, Recoveries>,
    pub(crate) loaded: Duration,
    pub(crate) settled: Duration,
    pub(crate) resent: usize,
    pub(crate) retries: usize,
    pub(crate) findings: Findings,
}

impl Table {
    pub(crate) fn recovered(&mut self, kind: Kind, took: Duration) {
        let row = self.recoveries.entry(kind).or_default();
        row.count += 1;
        row.longest = row.longest.max(took);
    }

    pub(crate) fn faults(&self) -> usize {
        self.recoveries.values().map(|row| row.count).sum()
    }

    fn longest(&self) -> Duration {
        self.recoveries.values().map(|row| row.longest).max().unwrap_or_default()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { broker, store, seed, findings, .. } = self;
        let seconds = |time: Duration| time.as_secs_f64();
        writeln!(f, "RabbitMQ {broker}, {store}, seed {seed}\n")?;
        writeln!(f, "{:<22}{:>6}   longest recovery", "fault", "times")?;
        for (kind, Recoveries { count, longest }) in &self.recoveries {
            let late = if *longest > BAR { "  too long" } else { "" };
            writeln!(f, "{kind:<22}{count:>6}   {:.1} s{late}", seconds(*longest))?;
        }
        writeln!(f, "{:<22}{:>6}   {:.1} s\n", "all", self.faults(), seconds(self.longest()))?;
        for (what, count) in [
            ("orders", findings.orders.all.len()),
            ("dispatched", findings.orders.dispatched.len()),
            ("cancelled", findings.orders.cancelled.len()),
            ("lost", findings.lost),
            ("doubled", findings.doubled),
            ("dead letters explained", findings.explained),
            ("dead letters unexplained", findings.unexplained),
            ("checkouts sent again", self.resent),
            ("retries", self.retries),
        ] {
            writeln!(f, "{what:<26}{count:>8}")?;
        }
        let rate = self.findings.orders.all.len() as f64 / seconds(self.loaded).max(0.001);
        writeln!(f, "{:<26}{:>8.1} s, {rate:.1} orders/s", "time under load", seconds(self.loaded))?;
        write!(f, "{:<26}{:>8.1} s", "time to settle", seconds(self.settled))
    }
}

//! The report of a run.

use std::fmt;
use std::time::Duration;

use crate::audit::Findings;
use crate::phases::Ways;

/// What has come of a part of the run: its name, how long it took, and its orders.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) lasted: Duration,
    pub(crate) ways: Ways,
}

/// All that a run has shown.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// From the first pod to the last one that was ready.
    pub(crate) opened: Duration,
    pub(crate) rows: Vec<Row>,
    pub(crate) settled: Duration,
    pub(crate) pods: usize,
    pub(crate) resent: usize,
    pub(crate) retries: usize,
    pub(crate) findings: Findings,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { findings, .. } = self;
        let seconds = |time: Duration| time.as_secs_f64();
        writeln!(f, "{:<28}{:>8}{:>9}{:>9}{:>9}{:>9}", "part", "seconds", "orders", "p50 s", "p99 s", "longest")?;
        for Row { name, lasted, ways } in &self.rows {
            let [middle, most, longest] = [50, 99, 100].map(|percent| seconds(ways.percentile(percent)));
            let (lasted, count) = (seconds(*lasted), ways.count());
            writeln!(f, "{name:<28}{lasted:>8.1}{count:>9}{middle:>9.2}{most:>9.2}{longest:>9.2}")?;
        }
        writeln!(f)?;
        for (what, count) in [
            ("orders", findings.orders.all.len()),
            ("dispatched", findings.orders.dispatched.len()),
            ("cancelled", findings.orders.cancelled.len()),
            ("lost", findings.lost),
            ("doubled", findings.doubled),
            ("checkouts sent again", self.resent),
            ("retries", self.retries),
            ("pods started", self.pods),
        ] {
            writeln!(f, "{what:<28}{count:>8}")?;
        }
        writeln!(f, "{:<28}{:>8.1}", "seconds until all was ready", seconds(self.opened))?;
        write!(f, "{:<28}{:>8.1}", "seconds to settle", seconds(self.settled))
    }
}

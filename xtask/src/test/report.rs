//! The table at the end.

use std::fmt;
use std::time::{Duration, Instant};

/// How a suite, or a part of it, came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
    /// Skipped, also in a pipeline: this machine cannot, whatever is installed.
    Impossible(String),
}

/// All outcomes so far.
#[derive(Debug)]
pub(super) struct Report {
    rows: Vec<(String, Outcome, Duration)>,
    /// Whether a skip is a failure: nobody would see it in a pipeline.
    strict: bool,
}

impl Report {
    pub(super) fn new(strict: bool) -> Self {
        Self { rows: Vec::new(), strict }
    }

    pub(super) fn add(&mut self, name: String, outcome: Outcome, started: Instant) {
        let outcome = match outcome {
            Outcome::Skipped(reason) if self.strict => {
                Outcome::Failed(format!("skipped, which CI=true forbids: {reason}"))
            }
            other => other,
        };
        match &outcome {
            Outcome::Passed => {}
            Outcome::Failed(reason) => println!("{name} failed: {reason}"),
            Outcome::Skipped(reason) | Outcome::Impossible(reason) => println!("{name} skipped: {reason}"),
        }
        self.rows.push((name, outcome, started.elapsed()));
    }

    /// Whether nothing failed.
    pub(super) fn success(&self) -> bool {
        !self.rows.iter().any(|(_, outcome, _)| matches!(outcome, Outcome::Failed(_)))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0).max("suite".len());
        let (mut passed, mut failed, mut skipped) = (0, 0, 0);
        writeln!(out, "{:width$}  result   seconds", "suite")?;
        for (name, outcome, duration) in &self.rows {
            let (result, reason) = match outcome {
                Outcome::Passed => {
                    passed += 1;
                    ("passed", "")
                }
                Outcome::Failed(reason) => {
                    failed += 1;
                    ("failed", reason.lines().next().unwrap_or_default())
                }
                Outcome::Skipped(reason) | Outcome::Impossible(reason) => {
                    skipped += 1;
                    ("skipped", reason.lines().next().unwrap_or_default())
                }
            };
            let line = format!("{name:width$}  {result:7}  {:7.1}  {reason}", duration.as_secs_f64());
            writeln!(out, "{}", line.trim_end())?;
        }
        writeln!(out, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{Outcome, Report};

    fn report(strict: bool) -> Report {
        let mut report = Report::new(strict);
        report.add("build".to_owned(), Outcome::Passed, Instant::now());
        report.add("end-to-end".to_owned(), Outcome::Skipped("no RabbitMQ\nand more".to_owned()), Instant::now());
        report
    }

    #[test]
    fn the_last_line_counts() {
        let report = report(false);
        let text = report.to_string();
        assert!(report.success());
        assert!(text.ends_with("\n1 passed, 0 failed, 1 skipped\n"), "{text}");
        assert!(text.contains("end-to-end  skipped      0.0  no RabbitMQ\n"), "{text}");
    }

    #[test]
    fn in_a_pipeline_a_skip_fails() {
        let report = report(true);
        assert!(!report.success());
        assert!(report.to_string().ends_with("\n1 passed, 1 failed, 0 skipped\n"));
    }

    #[test]
    fn what_a_machine_cannot_do_at_all_is_told_and_does_not_fail() {
        let mut report = Report::new(true);
        report.add("pods".to_owned(), Outcome::Impossible("no namespaces".to_owned()), Instant::now());
        assert!(report.success());
        assert!(report.to_string().ends_with("no namespaces\n0 passed, 0 failed, 1 skipped\n"));
    }
}

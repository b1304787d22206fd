//! A line of the report.

use std::fmt;
use std::time::Duration;

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    what: &'static str,
    events: u64,
    took: Duration,
    /// CPU time of the process that did it.
    cpu: Option<Duration>,
}

impl Row {
    pub(crate) fn new(what: &'static str, events: u64, took: Duration, cpu: Option<Duration>) -> Self {
        Self { what, events, took, cpu }
    }

    /// Events in a second.
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    pub(crate) fn rate(&self) -> f64 {
        self.events as f64 / self.took.as_secs_f64()
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, took, .. } = self;
        write!(f, "{what:<24} {:>6.1} s {:>9.0} events/s", took.as_secs_f64(), self.rate())?;
        match self.cpu {
            Some(cpu) => write!(f, ", {:.1} s of CPU", cpu.as_secs_f64()),
            None => Ok(()),
        }
    }
}

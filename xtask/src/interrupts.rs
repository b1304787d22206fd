//! Ctrl-C and its relatives.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::Failure;

/// Counts the requests to end: SIGINT, SIGTERM and SIGHUP.
#[derive(Debug)]
pub(crate) struct Interrupts {
    signals: Signals,
    count: usize,
}

impl Interrupts {
    /// From here on these signals do not end the process by themselves.
    pub(crate) fn catch() -> Result<Self, Failure> {
        let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(Failure::because("cannot catch Ctrl-C"))?;
        Ok(Self { signals, count: 0 })
    }

    /// How many there have been.
    pub(crate) fn count(&mut self) -> usize {
        self.count += self.signals.pending().count();
        self.count
    }
}

//! How deliveries come after a message that broke the connection.
//!
//! Each delivery that is under way when a connection breaks counts toward its limit, and the neighbours are innocent. So
//! each consumer then takes one at a time until as many have succeeded as may have been under way before the broken one:
//! with fewer, the next connection would take those that come after them down again, up to their limit.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Which consumers have to be careful.
#[derive(Debug, Default)]
pub(super) struct Care(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Connections that a message has broken.
    broken: u64,
    /// No delivery of a careful consumer has succeeded since.
    in_vain: bool,
    /// By consumer: after which broken connection it has ceased to be careful.
    relaxed: BTreeMap<String, u64>,
}

impl Care {
    /// A message has broken the connection.
    pub(super) fn broken(&self) {
        let mut state = self.state();
        state.broken += 1;
        state.in_vain = true;
    }

    /// A delivery of a careful consumer succeeded.
    pub(super) fn succeeded(&self) {
        self.state().in_vain = false;
    }

    /// Whether it is still the same message that breaks connection after connection.
    pub(super) fn in_vain(&self) -> bool {
        self.state().in_vain
    }

    /// Whether this consumer shall take one delivery at a time.
    pub(super) fn is_due(&self, consumer: &str) -> bool {
        let state = self.state();
        state.relaxed.get(consumer).copied().unwrap_or_default() < state.broken
    }

    /// This consumer has had enough deliveries that succeeded.
    pub(super) fn relax(&self, consumer: &str) {
        let mut state = self.state();
        let broken = state.broken;
        state.relaxed.insert(consumer.to_owned(), broken);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_consumer_is_careful_until_it_has_relaxed_itself() {
        let care = Care::default();
        assert!(!care.is_due("a") && !care.in_vain());
        care.broken();
        assert!(care.is_due("a") && care.is_due("b") && care.in_vain());
        care.relax("a");
        care.succeeded();
        assert!(!care.is_due("a") && care.is_due("b") && !care.in_vain());
        care.broken();
        assert!(care.is_due("a") && care.is_due("b") && care.in_vain());
    }
}

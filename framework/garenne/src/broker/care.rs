//! How deliveries come after a message that broke the connection.
//!
//! Each delivery that is under way when a connection breaks counts toward its limit, and the neighbours are innocent. So
//! each consumer then takes one at a time until as many have succeeded as may have been under way before the broken one:
//! with fewer, the next connection would take those that come after them down again, up to their limit.
//!
//! The neighbours in other queues of the connection are innocent, too. So careful consumers begin one after the other: whoever has
//! broken the connection before anybody else had a delivery takes nobody down with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio::time::{Instant, sleep_until};

/// For so long a careful consumer that begins is waited for: for its first delivery, and then for the end of that.
const TURN: Duration = Duration::from_millis(250);

/// Which consumers have to be careful.
#[derive(Debug, Default)]
pub(super) struct Care {
    state: Mutex<State>,
    /// Whose turn it is to begin.
    turn: Arc<AsyncMutex<()>>,
}

/// A careful consumer's turn to begin, until it is dropped.
pub(super) struct Turn {
    _alone: OwnedMutexGuard<()>,
    until: Instant,
}

impl Turn {
    /// Something has come, and shall be dealt with before the next one begins.
    pub(super) fn go_on(&mut self) {
        self.until = Instant::now() + TURN;
    }

    /// Waits until it has taken too long.
    pub(super) async fn over(&self) {
        sleep_until(self.until).await;
    }
}

#[derive(Debug, Default)]
struct State {
    /// Connections that a message has broken.
    broken: u64,
    /// Those since a delivery of a careful consumer succeeded.
    in_a_row: u32,
    /// The last connection was one of them.
    just_now: bool,
    /// By consumer: after which broken connection it has ceased to be careful.
    relaxed: BTreeMap<String, u64>,
}

impl Care {
    /// A message has broken the connection.
    pub(super) fn broken(&self) {
        let mut state = self.state();
        state.broken += 1;
        state.in_a_row += 1;
        state.just_now = true;
    }

    /// How many connections a message has broken so far.
    pub(super) fn broken_so_far(&self) -> u64 {
        self.state().broken
    }

    /// A delivery of a careful consumer succeeded.
    pub(super) fn succeeded(&self) {
        self.state().in_a_row = 0;
    }

    /// When a message has broken the connection that has just ended: how many have ended so in a row. Asked once for each.
    pub(super) fn in_a_row(&self) -> Option<u32> {
        let mut state = self.state();
        std::mem::take(&mut state.just_now).then_some(state.in_a_row)
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

    /// The turn of a consumer that shall take one delivery at a time, once those before it have had theirs.
    pub(super) async fn turn(&self) -> Turn {
        let alone = Arc::clone(&self.turn).lock_owned().await;
        Turn { _alone: alone, until: Instant::now() + TURN }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_consumer_is_careful_until_it_has_relaxed_itself() {
        let care = Care::default();
        assert!(!care.is_due("a"));
        care.broken();
        assert!(care.is_due("a") && care.is_due("b"));
        care.relax("a");
        assert!(!care.is_due("a") && care.is_due("b"));
        care.broken();
        assert!(care.is_due("a") && care.is_due("b"));
    }

    #[tokio::test(start_paused = true)]
    async fn careful_consumers_begin_one_after_the_other_and_one_that_has_nothing_to_do_holds_up_nobody() {
        let care = Care::default();
        let mut first = care.turn().await;
        let began = Instant::now();
        first.go_on();
        {
            let mut second = std::pin::pin!(care.turn());
            tokio::select! {
                biased;
                _ = &mut second => panic!("it is not its turn"),
                () = first.over() => {}
            }
            assert_eq!(began.elapsed(), TURN);
            drop(first);
            second.await;
        }
    }

    #[test]
    fn what_succeeds_between_two_broken_connections_begins_a_new_row() {
        let care = Care::default();
        assert_eq!(care.in_a_row(), None);
        care.broken();
        assert_eq!(care.in_a_row(), Some(1));
        // The next one ended for another reason.
        assert_eq!(care.in_a_row(), None);
        care.broken();
        assert_eq!(care.in_a_row(), Some(2));
        care.succeeded();
        care.broken();
        assert_eq!(care.in_a_row(), Some(1));
    }
}

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

use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedMutexGuard};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

/// For so long a careful consumer that begins is waited for: for its first delivery, and then for the end of that.
const TURN: Duration = Duration::from_millis(250);

/// Which consumers have to be careful.
#[derive(Debug, Default)]
pub(super) struct Care {
    state: Mutex<State>,
    /// Whose turn it is to begin.
    turn: Arc<AsyncMutex<()>>,
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

/// A careful consumer's turn to begin. Once it has [begun](Turn::begin) it ends by itself, whatever the consumer is doing; before, and
/// when it is dropped, with its owner.
pub(super) struct Turn {
    alone: Option<OwnedMutexGuard<()>>,
    come: Arc<Notify>,
    timer: Option<AbortHandle>,
}

impl Turn {
    /// The subscription stands: from now on something may come.
    pub(super) fn begin(&mut self) {
        let (alone, come) = (self.alone.take(), Arc::clone(&self.come));
        let timer = tokio::spawn(async move {
            let _alone = alone;
            if timeout(TURN, come.notified()).await.is_ok() {
                sleep(TURN).await;
            }
        });
        self.timer = Some(timer.abort_handle());
    }

    /// Something has come, and shall be dealt with before the next one begins.
    pub(super) fn go_on(&self) {
        self.come.notify_one();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(timer) = &self.timer {
            timer.abort();
        }
    }
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
        let alone = Some(Arc::clone(&self.turn).lock_owned().await);
        Turn { alone, come: Arc::default(), timer: None }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

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
    async fn careful_consumers_begin_one_after_the_other_and_none_holds_up_the_next_one_for_long() {
        let waits = async |care: &Care| {
            let since = Instant::now();
            (care.turn().await, since.elapsed())
        };
        let care = Care::default();
        let (mut first, waited) = waits(&care).await;
        assert_eq!(waited, Duration::ZERO);
        // Nothing comes to it.
        first.begin();
        let (mut second, waited) = waits(&care).await;
        assert_eq!(waited, TURN);
        // What came to it takes its time.
        second.begin();
        second.go_on();
        let (mut third, waited) = waits(&care).await;
        assert_eq!(waited, TURN);
        // It has dealt with what came.
        third.begin();
        third.go_on();
        drop(third);
        let (_fourth, waited) = waits(&care).await;
        assert_eq!(waited, Duration::ZERO);
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

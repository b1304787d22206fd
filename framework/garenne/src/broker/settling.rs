//! A broker that has only just come up.
//!
//! It takes connections before its streams are there again. For that moment (35 to 300 ms were measured on RabbitMQ 3.10.8 and 4.0.5,
//! one node) what is published reaches the other queues of its exchange alone, and is confirmed: a log would never have it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::BrokerError;

/// So long nothing is published.
const SETTLING: Duration = Duration::from_secs(1);

/// Since when the broker is there, as far as the attempts to reach it tell.
#[derive(Debug, Default)]
pub(super) struct Settling(Mutex<Presence>);

#[derive(Debug, Clone, Copy, Default)]
enum Presence {
    #[default]
    Unknown,
    /// The last attempt has not reached it.
    Away,
    Since(Instant),
}

impl Settling {
    /// Notes whether an attempt has reached the broker.
    pub(super) fn note<T>(&self, attempt: Result<T, BrokerError>) -> Result<T, BrokerError> {
        let mut presence = self.lock();
        match (&attempt, *presence) {
            (Err(BrokerError::Unreachable { .. }), _) => *presence = Presence::Away,
            (_, Presence::Away) => *presence = Presence::Since(Instant::now()),
            _ => {}
        }
        drop(presence);
        attempt
    }

    /// Ends when the broker has been there for long enough.
    pub(super) async fn over(&self) {
        let presence = *self.lock();
        if let Presence::Since(since) = presence {
            sleep_until(since + SETTLING).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Presence> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_broker_that_was_away_is_given_time_and_only_once() {
        let (settling, began) = (Settling::default(), Instant::now());
        let waited = async || {
            settling.over().await;
            began.elapsed()
        };
        settling.note(Ok(())).unwrap();
        assert_eq!(waited().await, Duration::ZERO, "it was there at the first attempt");
        let away = || BrokerError::Unreachable { address: "there".into(), reason: "refused".into() };
        settling.note(Err::<(), _>(away())).unwrap_err();
        settling.note(Ok(())).unwrap();
        assert_eq!(waited().await, SETTLING);
        settling.note(Ok(())).unwrap();
        assert_eq!(waited().await, SETTLING, "it has settled");
    }
}

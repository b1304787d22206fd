//! How long to wait before the next attempt.

use std::time::Duration;

use rand::RngExt as _;

use super::BrokerError;

const FIRST: Duration = Duration::from_millis(100);
/// While nobody answers, from attempt to attempt: a service shall consume again within 5 s of the broker's return. An attempt
/// that got no word for longer than this (3 s at most) is followed by the next one at once.
const UNREACHABLE: Duration = Duration::from_secs(1);
/// While the broker answers and refuses: the same 5 s, and fewer lines in the broker's log.
const REFUSED: Duration = Duration::from_secs(3);

/// Doubles from 0.1 s, each wait with a jitter of a half so that replicas do not come back together.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Backoff {
    /// How long to wait after an attempt that took so long and ended so.
    pub(super) fn after(&mut self, error: &BrokerError, took: Duration) -> Duration {
        let jitter = rand::rng().random_range(0.5..1.0);
        let next = self.next;
        self.next = (next * 2).min(REFUSED);
        match error {
            BrokerError::Unreachable { .. } => next.min(UNREACHABLE).mul_f64(jitter).saturating_sub(took),
            _ => next.mul_f64(jitter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_long_the_broker_is_gone_the_next_attempt_comes_within_a_second() {
        let gone = BrokerError::Unreachable { address: "there".into(), reason: "refused".into() };
        let mut backoff = Backoff::default();
        let waits: Vec<Duration> = (0..1000).map(|_| backoff.after(&gone, Duration::ZERO)).collect();
        assert!(waits[0] < FIRST && waits.iter().all(|wait| *wait >= FIRST / 2 && *wait < UNREACHABLE), "{waits:?}");
        let refused = BrokerError::Credentials { user: "orders".into() };
        let wait = backoff.after(&refused, Duration::ZERO);
        assert!((REFUSED / 2..REFUSED).contains(&wait), "what the broker refuses is asked more slowly: {wait:?}");
        assert_eq!(backoff.after(&gone, UNREACHABLE), Duration::ZERO, "that attempt has been a wait");
    }
}

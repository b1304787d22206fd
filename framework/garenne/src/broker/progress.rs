//! Whether the broker gets on with its confirms.

use std::time::Duration;

use tokio::time::Instant;

/// A confirm that is later than this, on a connection that is not blocked, never comes.
pub(super) const CONFIRM_TIMEOUT: Duration = Duration::from_secs(30);

/// When something was confirmed last. One timer serves every message, since setting one costs a lock: when it rings it is
/// looked at whether there was progress meanwhile.
pub(super) struct Progress {
    last: Instant,
}

impl Progress {
    pub(super) fn begin() -> Self {
        Self { last: Instant::now() }
    }

    /// A confirm has come, or is waited for only from now on.
    pub(super) fn made(&mut self) {
        self.last = Instant::now();
    }

    /// When a confirm will be too late, or nothing if one is already. While none is `expected`, none can be.
    pub(super) fn deadline(&self, expected: bool) -> Option<Instant> {
        let now = Instant::now();
        let since = if expected { self.last } else { now };
        Some(since + CONFIRM_TIMEOUT).filter(|deadline| *deadline > now)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_confirm_is_too_late_half_a_minute_after_the_last_one_and_never_while_none_is_expected() {
        let mut progress = Progress::begin();
        advance(CONFIRM_TIMEOUT * 10).await;
        assert_eq!(progress.deadline(false), Some(Instant::now() + CONFIRM_TIMEOUT));
        advance(CONFIRM_TIMEOUT / 2).await;
        progress.made();
        let since = Instant::now();
        advance(CONFIRM_TIMEOUT / 2).await;
        assert_eq!(progress.deadline(true), Some(since + CONFIRM_TIMEOUT));
        advance(CONFIRM_TIMEOUT / 2).await;
        assert_eq!(progress.deadline(true), None);
    }
}

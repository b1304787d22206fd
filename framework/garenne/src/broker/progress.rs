//! Whether the broker gets on with its confirms.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// A confirm that is later than this, on a connection that is not blocked, never comes.
pub(super) const CONFIRM_TIMEOUT: Duration = Duration::from_secs(30);

/// When something was confirmed last. One timer serves every message, since setting one costs a lock: when it rings it looks
/// whether there was progress meanwhile.
pub(super) struct Progress {
    last: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Progress {
    pub(super) fn begin() -> Self {
        Self { last: Instant::now(), timer: Box::pin(sleep(CONFIRM_TIMEOUT)) }
    }

    /// A confirm has come, or is waited for only from now on.
    pub(super) fn made(&mut self) {
        self.last = Instant::now();
    }

    /// Ends when a confirm is too late. While none is `expected`, none can be. Cancel-safe.
    pub(super) async fn stalls(&mut self, expected: bool) {
        loop {
            self.timer.as_mut().await;
            if !expected {
                self.made();
            }
            if self.last.elapsed() >= CONFIRM_TIMEOUT {
                return;
            }
            self.timer.as_mut().reset(self.last + CONFIRM_TIMEOUT);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_confirm_is_too_late_half_a_minute_after_the_last_one_and_never_while_none_is_expected() {
        let mut progress = Progress::begin();
        let minutes = Duration::from_secs(300);
        assert!(timeout(minutes, progress.stalls(false)).await.is_err());
        progress.made();
        assert!(timeout(Duration::from_secs(20), progress.stalls(true)).await.is_err());
        progress.made();
        let since = Instant::now();
        progress.stalls(true).await;
        assert_eq!(since.elapsed(), CONFIRM_TIMEOUT);
    }
}

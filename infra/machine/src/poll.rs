//! Waiting for a state, with a deadline.

use std::thread;
use std::time::{Duration, Instant};

/// How often a state is looked at.
pub const PACE: Duration = Duration::from_millis(50);

/// Looks at a state again and again until it holds or the time is over; returns whether it holds.
pub fn poll(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(PACE);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::poll;

    #[test]
    fn a_state_is_looked_at_until_it_holds_and_once_at_least() {
        let mut looks = 0;
        assert!(poll(Duration::from_secs(60), || {
            looks += 1;
            looks == 3
        }));
        assert!(poll(Duration::ZERO, || true) && !poll(Duration::ZERO, || false));
    }
}

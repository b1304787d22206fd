//! Waiting for a state instead of for a time.

use std::time::{Duration, Instant};

/// How long a state may take to come. Long, because two cores run many tests at once; a test that passes never waits for it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until there is something to see, and panics with `what` was expected and what was seen last.
///
/// # Panics
///
/// When [`PATIENCE`] is over.
pub async fn eventually<T, F>(what: &str, mut look: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, String>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = match look().await {
            Ok(value) => return value,
            Err(seen) => seen,
        };
        assert!(Instant::now() < deadline, "{what}: not within {} s; last seen: {seen}", PATIENCE.as_secs());
        // The pace of looking, not a wait for the state.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Lets something last so long: an outage, the time between two faults. Never a wait for a state.
pub async fn lasting(time: Duration) {
    tokio::time::sleep(time).await;
}

//! The delays between the attempts.

use std::time::Duration;

/// The delays after the first, second, third… failure: one retry queue of the service for each.
///
/// The default is 1 s, 5 s, 30 s, 2 min, 10 min and 1 h.
///
/// ```
/// use std::time::Duration;
///
/// use garenne::Ladder;
///
/// let quick = Ladder::new([Duration::from_millis(200), Duration::from_secs(2)])?;
/// assert_eq!(quick.after(1), Duration::from_millis(200));
/// assert_eq!(quick.after(9), Duration::from_secs(2));
/// # Ok::<(), garenne::LadderFault>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder(Vec<Duration>);

/// Why a ladder cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LadderFault {
    /// A ladder without a step would never retry.
    #[error("the retry ladder has no step; give 1 to 12 delays, such as 1000,5000,30000 (milliseconds)")]
    Empty,
    /// Each step costs a queue.
    #[error("the retry ladder has {0} steps; give at most 12")]
    TooLong(usize),
    /// A step is too short or too long.
    #[error("the retry ladder's step of {0} ms is not between 1 ms and 24 h")]
    OutOfRange(u128),
    /// Each later step waits longer, so that each has a queue of its own.
    #[error("the retry ladder's step of {0} ms is not longer than the one before it")]
    NotRising(u128),
}

impl Ladder {
    /// A ladder of 1 to 12 rising delays, each from 1 ms to 24 h, in whole milliseconds.
    ///
    /// # Errors
    ///
    /// When the delays break one of these rules.
    pub fn new(steps: impl IntoIterator<Item = Duration>) -> Result<Self, LadderFault> {
        let steps: Vec<Duration> = steps.into_iter().collect();
        if steps.is_empty() {
            return Err(LadderFault::Empty);
        }
        if steps.len() > 12 {
            return Err(LadderFault::TooLong(steps.len()));
        }
        let mut before = 0;
        for step in &steps {
            let milliseconds = step.as_millis();
            if !(1..=24 * 3_600_000).contains(&milliseconds) {
                return Err(LadderFault::OutOfRange(milliseconds));
            }
            if milliseconds <= before {
                return Err(LadderFault::NotRising(milliseconds));
            }
            before = milliseconds;
        }
        Ok(Self(steps))
    }

    /// The steps in order.
    #[must_use]
    pub fn steps(&self) -> &[Duration] {
        &self.0
    }

    /// The delay after the failure of `attempt` (from 1). Past the last step it stays at the last.
    #[must_use]
    pub fn after(&self, attempt: u32) -> Duration {
        let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        self.0.get(index).or_else(|| self.0.last()).copied().unwrap_or_default()
    }
}

impl Default for Ladder {
    fn default() -> Self {
        Self([1, 5, 30, 120, 600, 3_600].map(Duration::from_secs).to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(steps: &[u64]) -> Result<Ladder, LadderFault> {
        Ladder::new(steps.iter().copied().map(Duration::from_millis))
    }

    #[test]
    fn the_delay_rises_with_the_attempt_and_stays_at_the_last_step() {
        let ladder = milliseconds(&[10, 20, 40]).unwrap();
        let delays: Vec<u128> = [1, 2, 3, 4, 99].map(|attempt| ladder.after(attempt).as_millis()).to_vec();
        assert_eq!(delays, [10, 20, 40, 40, 40]);
    }

    #[test]
    fn a_ladder_rises_and_has_1_to_12_steps() {
        assert_eq!(milliseconds(&[]), Err(LadderFault::Empty));
        assert_eq!(milliseconds(&(1..=13).collect::<Vec<_>>()), Err(LadderFault::TooLong(13)));
        assert_eq!(milliseconds(&[0]), Err(LadderFault::OutOfRange(0)));
        assert_eq!(milliseconds(&[10, 10]), Err(LadderFault::NotRising(10)));
        assert!(milliseconds(&(1..=12).collect::<Vec<_>>()).is_ok());
        assert_eq!(Ladder::new(Ladder::default().steps().iter().copied()), Ok(Ladder::default()));
    }
}

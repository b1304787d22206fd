//! From what the handler did to what happens with the delivery: the whole policy in one function.

use std::time::Duration;

use super::Ladder;

/// What became of an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It may work later: the handler said so, panicked or passed its deadline.
    Retryable,
    /// It never will.
    Hopeless(Reason),
}

/// Why a message was given up. It stands in the dead letter's header `garenne-reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The handler said that trying again cannot help.
    Permanent,
    /// The last allowed attempt failed.
    AttemptsUsedUp,
    /// The body is not the JSON that the message's type asks for.
    Undecodable,
    /// The queue has no handler for the message's type.
    UnknownType,
    /// The body is larger than brokers since 4.0 carry.
    TooLarge,
    /// Another message was handled under the same id.
    IdReused,
}

impl Reason {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::AttemptsUsedUp => "attempts-used-up",
            Self::Undecodable => "undecodable",
            Self::UnknownType => "unknown-type",
            Self::TooLarge => "too-large",
            Self::IdReused => "id-reused",
        }
    }
}

/// What happens with the delivery of a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// Publish a copy to the retry ladder, then acknowledge.
    Retry { delay: Duration },
    /// Publish a copy to the dead-letter exchange, then acknowledge.
    DeadLetter { reason: Reason },
}

/// Decides over the `attempt`-th attempt (from 1) of at most `attempts`.
pub(crate) fn verdict(outcome: Outcome, attempt: u32, attempts: u32, ladder: &Ladder) -> Settlement {
    match outcome {
        Outcome::Hopeless(reason) => Settlement::DeadLetter { reason },
        Outcome::Retryable if attempt < attempts => Settlement::Retry { delay: ladder.after(attempt) },
        Outcome::Retryable => Settlement::DeadLetter { reason: Reason::AttemptsUsedUp },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retryable_failure_climbs_the_ladder_until_the_attempts_are_used_up() {
        let ladder = Ladder::new([1, 2].map(Duration::from_millis)).unwrap();
        let settled = |attempt| verdict(Outcome::Retryable, attempt, 3, &ladder);
        assert_eq!(settled(1), Settlement::Retry { delay: Duration::from_millis(1) });
        assert_eq!(settled(2), Settlement::Retry { delay: Duration::from_millis(2) });
        assert_eq!(settled(3), Settlement::DeadLetter { reason: Reason::AttemptsUsedUp });
        assert_eq!(settled(4), Settlement::DeadLetter { reason: Reason::AttemptsUsedUp });
    }

    #[test]
    fn what_is_hopeless_is_given_up_at_once() {
        let settled = verdict(Outcome::Hopeless(Reason::Undecodable), 1, 7, &Ladder::default());
        assert_eq!(settled, Settlement::DeadLetter { reason: Reason::Undecodable });
    }
}

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
    /// A property or header is not what AMQP or the broker makes of it.
    Malformed,
    /// The queue has no handler for the message's type.
    UnknownType,
    /// The body is larger than brokers since 4.0 carry.
    TooLarge,
    /// It was delivered again and again, and each time the process ended or lost its connection before its handler had ended.
    DeliveredTooOften,
    /// Another message was handled under the same id.
    IdReused,
}

impl Reason {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::AttemptsUsedUp => "attempts-used-up",
            Self::Undecodable => "undecodable",
            Self::Malformed => "malformed",
            Self::UnknownType => "unknown-type",
            Self::TooLarge => "too-large",
            Self::DeliveredTooOften => "delivered-too-often",
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
    use proptest::collection::btree_set;
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn whatever_the_ladder_a_message_that_always_fails_is_given_up_after_its_attempts(
            steps in btree_set(1..=86_400_000_u64, 1..=12), attempts in 1..=1_000_u32, attempt in any::<u32>(),
        ) {
            let ladder = Ladder::new(steps.iter().copied().map(Duration::from_millis)).unwrap();
            let (mut failures, mut before) = (0, Duration::ZERO);
            while let Settlement::Retry { delay } = verdict(Outcome::Retryable, failures + 1, attempts, &ladder) {
                prop_assert!(delay >= before && ladder.steps().contains(&delay));
                (failures, before) = (failures + 1, delay);
            }
            prop_assert_eq!(failures + 1, attempts);
            // Whatever stands in a header, nothing is tried beyond the last attempt.
            let again = matches!(verdict(Outcome::Retryable, attempt, attempts, &ladder), Settlement::Retry { .. });
            prop_assert_eq!(again, attempt < attempts);
            prop_assert!(ladder.after(attempt) <= *ladder.steps().last().unwrap());
        }
    }

    #[test]
    fn what_is_hopeless_is_given_up_at_once() {
        let settled = verdict(Outcome::Hopeless(Reason::Undecodable), 1, 7, &Ladder::default());
        assert_eq!(settled, Settlement::DeadLetter { reason: Reason::Undecodable });
    }
}

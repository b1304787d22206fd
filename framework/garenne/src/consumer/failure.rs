//! Why a handler could not do its work, and whether trying again may help.

use std::fmt::Display;

use crate::broker::PublishError;
use crate::retry::{Outcome, Reason};

/// How much of an error's text is kept: it goes into logs, headers, notices and replies, and may quote whatever somebody has sent.
const ERROR_LIMIT: usize = 1024;

/// What a handler returns when it could not do its work. Of the error's text 1 KiB is kept.
///
/// There is no conversion from other errors: whether a failure is worth another attempt only the handler's author
/// knows, and a forgotten choice does not compile. [`Classify`] makes the choice short. An error that always means the
/// same says so once with [`Classified`], as a failed publish does.
///
/// ```
/// use garenne::{Classify, Failure};
///
/// fn parse(text: &str) -> Result<i32, Failure> {
///     text.parse::<i32>().or_dead_letter()
/// }
///
/// assert!(parse("seven").unwrap_err().to_string().contains("invalid digit"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    text: String,
    class: &'static str,
    outcome: Outcome,
}

impl Failure {
    /// It may work later: the message goes onto the retry ladder, and is a dead letter when the attempts are used up.
    #[must_use]
    pub fn retry(error: impl Display) -> Self {
        Self { text: kept(error), class: "retry", outcome: Outcome::Retryable }
    }

    /// It never will: the message is a dead letter at once.
    #[must_use]
    pub fn dead_letter(error: impl Display) -> Self {
        Self::hopeless(error, Reason::Permanent)
    }

    pub(crate) fn hopeless(error: impl Display, reason: Reason) -> Self {
        Self { text: kept(error), class: reason.as_str(), outcome: Outcome::Hopeless(reason) }
    }

    pub(crate) fn of_class(self, class: &'static str) -> Self {
        Self { class, ..self }
    }

    /// What kind of failure it was, for the header `garenne-error-class`.
    pub(crate) fn class(&self) -> &'static str {
        self.class
    }

    pub(crate) fn outcome(&self) -> Outcome {
        self.outcome
    }
}

fn kept(error: impl Display) -> String {
    let mut text = error.to_string();
    text.truncate(cut(&text).len());
    text
}

/// As much of an error's text as is kept.
pub(crate) fn cut(text: &str) -> &str {
    let end = (0..=ERROR_LIMIT.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// An error that knows by itself whether trying again may help, so that `?` makes a [`Failure`] of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whether trying again may help",
    label = "write `.or_retry()?` or `.or_dead_letter()?`",
    note = "`use garenne::Classify`: `.or_retry()` puts the message onto the retry ladder, `.or_dead_letter()` gives it up at once"
)]
pub trait Classified {
    /// The failure that it is.
    fn classified(self) -> Failure;
}

impl Classified for PublishError {
    fn classified(self) -> Failure {
        match self {
            // No attempt will ever succeed.
            Self::Undeclared { .. } | Self::OnlyAsked { .. } | Self::TooLarge { .. } | Self::Encoding { .. } => {
                Failure::dead_letter(self)
            }
            _ => Failure::retry(self).of_class("publish"),
        }
    }
}

impl<E: Classified> From<E> for Failure {
    fn from(error: E) -> Self {
        error.classified()
    }
}

/// Says of any error whether trying again may help.
///
/// ```
/// use garenne::{Classify, Failure};
///
/// fn read(path: &str) -> Result<u64, Failure> {
///     let text = std::fs::read_to_string(path).or_retry()?; // the disk may come back
///     text.trim().parse().or_dead_letter()                  // the text will not get better
/// }
///
/// assert!(read("/nowhere/at/all").is_err());
/// ```
pub trait Classify<T> {
    /// It may work later.
    ///
    /// # Errors
    ///
    /// The error as a [`Failure::retry`].
    fn or_retry(self) -> Result<T, Failure>;

    /// It never will.
    ///
    /// # Errors
    ///
    /// The error as a [`Failure::dead_letter`].
    fn or_dead_letter(self) -> Result<T, Failure>;
}

impl<T, E: Display> Classify<T> for Result<T, E> {
    fn or_retry(self) -> Result<T, Failure> {
        self.map_err(Failure::retry)
    }

    fn or_dead_letter(self) -> Result<T, Failure> {
        self.map_err(Failure::dead_letter)
    }
}

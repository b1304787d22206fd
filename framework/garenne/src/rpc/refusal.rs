//! Why a responder does not give the reply that was asked for.

use std::fmt::Display;

use crate::consumer::{Classified, Failure};

/// What the handler of a request returns instead of a reply: either the error that the contract names, which the
/// caller gets as a value, or a failure, of which the caller learns only that it happened.
///
/// ```
/// use garenne::{Classify, Refusal};
///
/// struct TooBig {
///     limit: u32,
/// }
///
/// fn double(number: &str) -> Result<u32, Refusal<TooBig>> {
///     let number: u32 = number.parse().or_dead_letter()?;
///     number.checked_mul(2).ok_or_else(|| Refusal::domain(TooBig { limit: u32::MAX / 2 }))
/// }
///
/// assert!(matches!(double("4000000000"), Err(Refusal::Domain(_))));
/// assert!(matches!(double("four"), Err(Refusal::Failure(_))));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal<E> {
    /// An answer like any other, only not the hoped-for one.
    Domain(E),
    /// The handler could not do its work.
    Failure(Failure),
}

impl<E> Refusal<E> {
    /// Refuses with the error that the request's contract names.
    pub fn domain(error: E) -> Self {
        Self::Domain(error)
    }

    /// Fails: the caller may try again.
    pub fn retry(error: impl Display) -> Self {
        Self::Failure(Failure::retry(error))
    }
}

impl<E, C: Classified> From<C> for Refusal<E> {
    fn from(error: C) -> Self {
        Self::Failure(error.classified())
    }
}

impl<E> From<Failure> for Refusal<E> {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

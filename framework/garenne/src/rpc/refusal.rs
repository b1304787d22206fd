//! Why a responder does not give the reply that was asked for.

use std::fmt::Display;

use crate::consumer::Failure;

/// What the handler of a request returns instead of a reply: either the error that the contract names, which the
/// caller gets as a value, or a failure, of which the caller learns only that it happened.
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

impl<E> From<Failure> for Refusal<E> {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

//! The rules of the house, kept by machine. None of these needs a broker.

mod documents;
mod house;
mod invariants;
mod source;

//! The pods of every test run.

use super::report::Outcome;
use crate::pods::{self, PodsOptions, Tried};

/// Runs them as `cargo xtask pods` does.
pub(super) fn outcome() -> Outcome {
    match pods::run(&PodsOptions::of_a_test_run()) {
        Ok(Tried::Holds) => Outcome::Passed,
        Ok(Tried::Impossible(reason)) => Outcome::Impossible(reason),
        Err(failure) => Outcome::Failed(failure.to_string()),
    }
}

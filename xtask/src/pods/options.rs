//! The command line of `cargo xtask pods`.

use lexopt::prelude::{Long, Short};
use lexopt::{Error, Parser, ValueExt};

use crate::arguments::Task;

/// How the pods are tried.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PodsOptions {
    /// Whether they are left running.
    pub(crate) keep: bool,
    pub(crate) orders_per_second: f64,
    /// Whether times count too, and not only the laws.
    pub(crate) timed: bool,
}

impl Default for PodsOptions {
    fn default() -> Self {
        Self { keep: false, orders_per_second: 50.0, timed: true }
    }
}

impl PodsOptions {
    /// As a suite among others: a test run asserts no time, on whatever machine it is.
    pub(crate) fn of_a_test_run() -> Self {
        Self { keep: false, orders_per_second: 20.0, timed: false }
    }
}

/// Reads what stands after `pods`.
pub(crate) fn parse(mut parser: Parser) -> Result<Task, Error> {
    let mut options = PodsOptions::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Task::Help),
            Long("keep") => options.keep = true,
            Long("orders-per-second") => options.orders_per_second = parser.value()?.parse_with(rate)?,
            other => return Err(other.unexpected()),
        }
    }
    Ok(Task::Pods(options))
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (1.0..=1000.0).contains(number));
    number.ok_or_else(|| format!("`{text}` is not a number from 1 to 1000"))
}

#[cfg(test)]
mod tests {
    use super::{PodsOptions, parse};
    use crate::arguments::Task;

    fn read(line: &str) -> Result<Task, String> {
        parse(lexopt::Parser::from_args(line.split_whitespace())).map_err(|error| error.to_string())
    }

    #[test]
    fn a_rate_is_taken_and_pods_are_kept_where_that_is_asked_for() {
        let options = PodsOptions { keep: true, orders_per_second: 20.0, timed: true };
        assert_eq!(read("--keep --orders-per-second 20"), Ok(Task::Pods(options)));
        assert_eq!(read("--help"), Ok(Task::Help));
        assert!(read("--orders-per-second 0").unwrap_err().contains("from 1 to 1000"));
        assert!(read("--release").unwrap_err().contains("--release"));
    }
}

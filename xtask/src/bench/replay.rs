//! `cargo xtask bench replay`: builds `analytics` and the program of `tests/bench/replay`, and hands it what was asked for.

use std::process::ExitCode;

use lexopt::prelude::{Long, Short, Value};
use lexopt::{Error, Parser, ValueExt};
use rabbitmq_node::BrokerChoice;

use crate::claim::Claim;
use crate::failure::Failure;
use crate::{build, workspace};

/// How many events, on which broker.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ReplayOptions {
    broker: BrokerChoice,
    /// For the program.
    arguments: Vec<String>,
}

/// Reads what stands after `replay`; nothing when help is wanted.
pub(super) fn parse(mut parser: Parser) -> Result<Option<ReplayOptions>, Error> {
    let mut options = ReplayOptions::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(None),
            Long("broker") => options.broker = parser.value()?.parse_with(own)?,
            Value(first) => {
                options.arguments.push(first.string()?);
                for rest in parser.raw_args()? {
                    options.arguments.push(rest.string()?);
                }
            }
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(options))
}

pub(super) fn run(options: &ReplayOptions) -> Result<ExitCode, Failure> {
    options.broker.installation(&workspace::brokers(), &mut |line| println!("{line}"))?;
    build::run(&mut build::cargo(&["build", "--release", "--package", "analytics"]))?;
    let claim = Claim::take(&workspace::target().join("bench"))?;
    let mut command = build::cargo(&["test", "--release", "--package", "tests", "--test", "bench-replay", "--"]);
    command
        .args(&options.arguments)
        .env("TEST_BIN_DIR", workspace::programs(true))
        .env("BENCH_BROKER", options.broker.to_string())
        .env("BENCH_BROKERS_DIR", workspace::brokers())
        .env("BENCH_FOLDER", claim.path().join("replay"));
    build::run(&mut command).map(|()| ExitCode::SUCCESS)
}

/// A broker that is loaded to its limits, and whose machine is measured.
fn own(text: &str) -> Result<BrokerChoice, String> {
    let choice: BrokerChoice = text.parse()?;
    match choice.given() {
        Some(given) => Err(format!("a benchmark runs on a broker of its own, not on {given}")),
        None => Ok(choice),
    }
}

#[cfg(test)]
mod tests {
    use super::{ReplayOptions, parse};

    #[test]
    fn what_follows_is_for_the_program() {
        let read = |line: &str| parse(lexopt::Parser::from_args(line.split_whitespace())).unwrap();
        let broker = "4.0".parse().unwrap();
        let options = ReplayOptions { broker, arguments: vec!["60000".to_owned()] };
        assert_eq!(read("--broker 4.0 -- 60000"), Some(options));
        assert_eq!(read(""), Some(ReplayOptions::default()));
        assert_eq!(read("--help"), None);
    }
}

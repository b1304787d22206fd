//! `cargo xtask bench replay`: how fast `analytics` counts a log, beside a bare reader of the same log.

use std::process::ExitCode;

use lexopt::prelude::{Long, Short, Value};
use lexopt::{Error, Parser, ValueExt};
use rabbitmq_node::BrokerChoice;

use super::own_broker;
use crate::claim::Claim;
use crate::failure::Failure;
use crate::{build, workspace};

/// How it is measured.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ReplayOptions {
    broker: BrokerChoice,
    /// For the program.
    arguments: Vec<String>,
}

/// Reads what stands after `bench replay`. `None` asks for help.
pub(super) fn parse(mut parser: Parser) -> Result<Option<ReplayOptions>, Error> {
    let mut options = ReplayOptions::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(None),
            Long("broker") => options.broker = parser.value()?.parse_with(own_broker)?,
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

/// Runs it; the exit code is the program's.
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

#[cfg(test)]
mod tests {
    use super::{ReplayOptions, parse};

    fn read(line: &str) -> Result<Option<ReplayOptions>, String> {
        parse(lexopt::Parser::from_args(line.split_whitespace())).map_err(|error| error.to_string())
    }

    #[test]
    fn what_follows_is_for_the_program() {
        let options = ReplayOptions { broker: "4.0".parse().unwrap(), arguments: vec!["60000".to_owned()] };
        assert_eq!(read("--broker 4.0 -- 60000"), Ok(Some(options)));
        assert_eq!(read(""), Ok(Some(ReplayOptions::default())));
    }

    #[test]
    fn mistakes_are_named() {
        for (line, words) in [("--broker amqp://there", "of its own"), ("--quickly", "--quickly")] {
            let error = read(line).unwrap_err();
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}

//! `cargo xtask bench`: programs that measure, optimised, on a broker of their own.

mod replay;
mod rpc;

use std::process::ExitCode;

use lexopt::prelude::{Long, Short, Value};
use lexopt::{Error, Parser, ValueExt};
use rabbitmq_node::BrokerChoice;

use crate::arguments::Task;
use crate::failure::Failure;
use replay::ReplayOptions;
use rpc::RpcOptions;

/// All benchmarks, as the command line names them.
const NAMES: [&str; 2] = ["rpc", "replay"];

/// Which one, and how.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum BenchOptions {
    Rpc(RpcOptions),
    Replay(ReplayOptions),
}

/// Reads what stands after `bench`.
pub(crate) fn parse(mut parser: Parser) -> Result<Task, Error> {
    let name = match parser.next()? {
        Some(Long("help") | Short('h')) => return Ok(Task::Help),
        Some(Value(name)) => name.string()?,
        Some(other) => return Err(other.unexpected()),
        None => return Err(format!("name a benchmark: {}", NAMES.join(" or ")).into()),
    };
    let options = match name.as_str() {
        "rpc" => rpc::parse(parser)?.map(BenchOptions::Rpc),
        "replay" => replay::parse(parser)?.map(BenchOptions::Replay),
        _ => return Err(format!("there is no benchmark `{name}`; there are {}", NAMES.join(" and ")).into()),
    };
    Ok(options.map_or(Task::Help, Task::Bench))
}

/// Measures, and prints what came of it.
pub(crate) fn run(options: &BenchOptions) -> Result<ExitCode, Failure> {
    match options {
        BenchOptions::Rpc(options) => rpc::run(options),
        BenchOptions::Replay(options) => replay::run(options),
    }
}

/// A broker that is loaded to its limits, and whose machine is measured.
fn own_broker(text: &str) -> Result<BrokerChoice, String> {
    let choice: BrokerChoice = text.parse()?;
    match choice.given() {
        Some(given) => Err(format!("a benchmark runs on a broker of its own, not on {given}")),
        None => Ok(choice),
    }
}

#[cfg(test)]
mod tests {
    use super::{NAMES, parse};
    use crate::arguments::Task;
    use crate::help::TEXT;

    fn read(line: &str) -> Result<Task, String> {
        parse(lexopt::Parser::from_args(line.split_whitespace())).map_err(|error| error.to_string())
    }

    #[test]
    fn every_benchmark_is_found_and_the_help_names_it() {
        for name in NAMES {
            assert!(matches!(read(name), Ok(Task::Bench(_))), "{name}");
            assert!(TEXT.contains(&format!("cargo xtask bench {name}\n")), "{name}");
        }
        for line in ["--help", "rpc --help", "replay -h"] {
            assert_eq!(read(line), Ok(Task::Help), "{line}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (line, words) in [("", "rpc or replay"), ("speed", "there is no benchmark `speed`"), ("--fast", "--fast")] {
            let error = read(line).unwrap_err();
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}

//! `cargo xtask bench`: programs that measure, optimised, on a broker of their own.

mod replay;

use std::process::ExitCode;

use lexopt::prelude::{Long, Short, Value};
use lexopt::{Error, Parser, ValueExt};

use crate::arguments::Task;
use crate::failure::Failure;
use replay::ReplayOptions;

/// What can be measured.
const NAMES: [&str; 1] = ["replay"];

/// What is to be measured, and how.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum BenchOptions {
    Replay(ReplayOptions),
}

/// Reads what stands after `bench`.
pub(crate) fn parse(mut parser: Parser) -> Result<Task, Error> {
    let name = match parser.next()? {
        Some(Long("help") | Short('h')) => return Ok(Task::Help),
        Some(Value(name)) => name.string()?,
        Some(other) => return Err(other.unexpected()),
        None => return Err(format!("name a benchmark: {}", NAMES.join(", ")).into()),
    };
    let options = match name.as_str() {
        "replay" => replay::parse(parser)?.map(BenchOptions::Replay),
        unknown => return Err(format!("there is no benchmark `{unknown}`; there is {}", NAMES.join(", ")).into()),
    };
    Ok(options.map_or(Task::Help, Task::Bench))
}

/// Runs it; the exit code is the program's.
pub(crate) fn run(options: &BenchOptions) -> Result<ExitCode, Failure> {
    match options {
        BenchOptions::Replay(options) => replay::run(options),
    }
}

#[cfg(test)]
mod tests {
    use super::{NAMES, parse};
    use crate::help::TEXT;

    #[test]
    fn the_help_names_every_benchmark() {
        for name in NAMES {
            assert!(TEXT.lines().any(|line| line.trim_start().starts_with(&format!("{name} "))), "{name}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (line, words) in [
            ("", "name a benchmark: replay"),
            ("everything", "there is no benchmark `everything`"),
            ("replay --broker amqp://there", "of its own"),
            ("replay --quickly", "--quickly"),
        ] {
            let error = parse(lexopt::Parser::from_args(line.split_whitespace())).unwrap_err().to_string();
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}

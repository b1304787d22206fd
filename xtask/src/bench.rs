//! `cargo xtask bench`: programs that measure, optimised, on a broker of their own.

use std::process::ExitCode;

use lexopt::prelude::{Long, Short, Value};
use lexopt::{Error, Parser, ValueExt};
use rabbitmq_node::BrokerChoice;

use crate::arguments::Task;
use crate::claim::Claim;
use crate::failure::Failure;
use crate::{build, workspace};

/// One program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bench {
    pub(crate) name: &'static str,
    /// The test target of the package `tests` that is the program.
    target: &'static str,
    /// The services that it starts.
    services: &'static [&'static str],
}

/// All of them.
pub(crate) const BENCHES: [Bench; 1] = [Bench { name: "replay", target: "bench-replay", services: &["analytics"] }];

/// Which one, on what.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BenchOptions {
    bench: &'static Bench,
    broker: BrokerChoice,
    /// For the program.
    arguments: Vec<String>,
}

/// Reads what stands after `bench`.
pub(crate) fn parse(mut parser: Parser) -> Result<Task, Error> {
    let (mut bench, mut broker, mut arguments) = (None, BrokerChoice::default(), Vec::new());
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Task::Help),
            Long("broker") => broker = parser.value()?.parse_with(own)?,
            Value(name) if bench.is_none() => bench = Some(name.parse_with(find)?),
            Value(first) => {
                arguments.push(first.string()?);
                for rest in parser.raw_args()? {
                    arguments.push(rest.string()?);
                }
            }
            other => return Err(other.unexpected()),
        }
    }
    match bench {
        Some(bench) => Ok(Task::Bench(BenchOptions { bench, broker, arguments })),
        None => Err(format!("name a benchmark: {}", names()).into()),
    }
}

/// Runs it; the exit code is the program's.
pub(crate) fn run(options: &BenchOptions) -> Result<ExitCode, Failure> {
    let Bench { name, target, services } = options.bench;
    options.broker.installation(&workspace::brokers(), &mut |line| println!("{line}"))?;
    let mut programs = vec!["build", "--release"];
    programs.extend(services.iter().flat_map(|service| ["--package", service]));
    if !services.is_empty() {
        build::run(&mut build::cargo(&programs))?;
    }
    let claim = Claim::take(&workspace::target().join("bench"))?;
    let mut command = build::cargo(&["test", "--release", "--package", "tests", "--test", target, "--"]);
    command
        .args(&options.arguments)
        .env("TEST_BIN_DIR", workspace::programs(true))
        .env("BENCH_BROKER", options.broker.to_string())
        .env("BENCH_BROKERS_DIR", workspace::brokers())
        .env("BENCH_FOLDER", claim.path().join(name));
    build::run(&mut command).map(|()| ExitCode::SUCCESS)
}

fn find(text: &str) -> Result<&'static Bench, String> {
    BENCHES
        .iter()
        .find(|bench| bench.name == text)
        .ok_or_else(|| format!("there is no benchmark `{text}`; there are {}", names()))
}

fn names() -> String {
    BENCHES.map(|bench| bench.name).join(", ")
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
    use super::{BENCHES, BenchOptions, parse};
    use crate::arguments::Task;
    use crate::help::TEXT;

    fn read(line: &str) -> Result<BenchOptions, String> {
        match parse(lexopt::Parser::from_args(line.split_whitespace())) {
            Ok(Task::Bench(options)) => Ok(options),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_benchmark_is_named_and_what_follows_is_for_it() {
        let options = read("replay --broker 4.0 -- 60000").unwrap();
        assert_eq!((options.bench.name, options.arguments.as_slice()), ("replay", &["60000".to_owned()][..]));
        assert_eq!(options.broker, "4.0".parse().unwrap());
        assert_eq!(read("replay").unwrap().arguments, Vec::<String>::new());
    }

    #[test]
    fn the_help_names_every_benchmark() {
        for bench in BENCHES {
            assert!(TEXT.lines().any(|line| line.trim_start().starts_with(&format!("{} ", bench.name))), "{bench:?}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (line, words) in [
            ("", "replay"),
            ("everything", "there is no benchmark `everything`"),
            ("replay --broker amqp://there", "of its own"),
            ("replay --quickly", "--quickly"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}

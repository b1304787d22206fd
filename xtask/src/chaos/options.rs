//! The command line of `cargo xtask chaos`.

use std::str::FromStr;

use lexopt::prelude::{Long, Short};
use lexopt::{Error, Parser, ValueExt};
use rabbitmq_node::BrokerChoice;

use crate::arguments::{Task, check_cluster};

/// What is broken, for how long, and on what.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ChaosOptions {
    pub(crate) minutes: f64,
    /// `None` is a new one.
    pub(crate) seed: Option<u64>,
    pub(crate) broker: BrokerChoice,
    /// Whether three nodes are started instead of one.
    pub(crate) cluster: bool,
    pub(crate) orders_per_second: f64,
    pub(crate) faults: Option<usize>,
    pub(crate) orders: Option<usize>,
    pub(crate) store: Store,
    pub(crate) release: bool,
}

/// Where the services keep their books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Sqlite,
    Postgres,
}

impl Default for ChaosOptions {
    fn default() -> Self {
        Self {
            minutes: 3.0,
            seed: None,
            broker: BrokerChoice::default(),
            cluster: false,
            orders_per_second: 10.0,
            faults: None,
            orders: None,
            store: Store::Sqlite,
            release: false,
        }
    }
}

/// Reads what stands after `chaos`.
pub(crate) fn parse(mut parser: Parser) -> Result<Task, Error> {
    let mut options = ChaosOptions::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Task::Help),
            Long("minutes") => options.minutes = parser.value()?.parse_with(|text| number(text, 0.1, 600.0))?,
            Long("seed") => options.seed = Some(parser.value()?.parse()?),
            Long("broker") => options.broker = parser.value()?.parse_with(BrokerChoice::from_str)?,
            Long("cluster") => options.cluster = true,
            Long("orders-per-second") => {
                options.orders_per_second = parser.value()?.parse_with(|text| number(text, 0.1, 1000.0))?;
            }
            Long("faults") => options.faults = Some(parser.value()?.parse()?),
            Long("orders") => options.orders = Some(parser.value()?.parse()?),
            Long("store") => options.store = parser.value()?.parse_with(Store::from_str)?,
            Long("release") => options.release = true,
            other => return Err(other.unexpected()),
        }
    }
    check_cluster(options.cluster, Some(&options.broker))?;
    Ok(Task::Chaos(options))
}

impl ChaosOptions {
    /// The command line of the same run. The password of a given broker is left out.
    pub(super) fn command(&self, seed: u64) -> String {
        let mut words = vec![format!(
            "cargo xtask chaos --seed {seed} --minutes {} --orders-per-second {} --broker {} --store {}",
            self.minutes,
            self.orders_per_second,
            self.broker,
            self.store.name()
        )];
        words.extend(self.faults.map(|count| format!("--faults {count}")));
        words.extend(self.orders.map(|count| format!("--orders {count}")));
        words.extend(self.cluster.then(|| "--cluster".to_owned()));
        words.extend(self.release.then(|| "--release".to_owned()));
        words.join(" ")
    }
}

impl Store {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

impl FromStr for Store {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = [Self::Sqlite, Self::Postgres].into_iter().find(|store| store.name() == text);
        found.ok_or_else(|| format!("`{text}` is neither sqlite nor postgres"))
    }
}

fn number(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("`{text}` is not a number from {least} to {most}"))
}

#[cfg(test)]
mod tests {
    use super::{ChaosOptions, Store, parse};
    use crate::arguments::Task;

    fn read(line: &str) -> Result<ChaosOptions, String> {
        match parse(lexopt::Parser::from_args(line.split_whitespace())) {
            Ok(Task::Chaos(options)) => Ok(options),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_run_that_failed_is_repeated_by_its_own_command_line() {
        let line = "--seed 7 --minutes 2 --orders-per-second 25 --broker 4.0 --store postgres --faults 12 --orders 2000 --cluster";
        let options = read(line).unwrap();
        assert_eq!((options.faults, options.orders, options.store), (Some(12), Some(2000), Store::Postgres));
        let again = options.command(7);
        assert_eq!(read(again.strip_prefix("cargo xtask chaos ").unwrap()), Ok(options));
    }

    #[test]
    fn mistakes_are_named() {
        for (line, words) in [
            ("--minutes 0", "`0` is not a number from 0.1 to 600"),
            ("--store mysql", "`mysql` is neither sqlite nor postgres"),
            ("--broker 5", "amqp://"),
            ("--cluster --broker amqp://there", "--cluster"),
            ("--gently", "--gently"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}

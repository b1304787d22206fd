//! `cargo xtask chaos`: builds the services and the program of `tests/chaos`, and hands it what was asked for.

use std::process::ExitCode;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use lexopt::prelude::{Long, Short};
use lexopt::{Error, Parser, ValueExt};
use rabbitmq_node::BrokerChoice;

use crate::arguments::Task;
use crate::claim::Claim;
use crate::failure::Failure;
use crate::{build, workspace};

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
    if options.cluster && options.broker.given().is_some() {
        return Err("--cluster starts nodes of our own, and --broker amqp://… is somebody else's".into());
    }
    Ok(Task::Chaos(options))
}

/// Runs it; the exit code is the program's.
pub(crate) fn run(options: &ChaosOptions) -> Result<ExitCode, Failure> {
    let mut progress = |line: &str| println!("{line}");
    if options.broker.given().is_none() {
        options.broker.installation(&workspace::brokers(), &mut progress)?;
    }
    if options.store == Store::Postgres {
        postgres_node::Installation::find_or_install(&mut progress)
            .map_err(Failure::because("PostgreSQL cannot be had"))?;
    }
    build::programs(options.release)?;
    let claim = Claim::take(&workspace::target().join("chaos"))?;
    let seed = options.seed.unwrap_or_else(new_seed);
    let mut command = build::cargo(&["test", "--package", "tests", "--test", "chaos"]);
    if options.release {
        command.arg("--release");
    }
    let optional = [("CHAOS_FAULTS", options.faults), ("CHAOS_ORDERS", options.orders)];
    command
        .env("TEST_BIN_DIR", workspace::programs(options.release))
        .env("CHAOS_MINUTES", options.minutes.to_string())
        .env("CHAOS_SEED", seed.to_string())
        .env("CHAOS_BROKER", choice(&options.broker))
        .env("CHAOS_BROKERS_DIR", workspace::brokers())
        .env("CHAOS_ORDERS_PER_SECOND", options.orders_per_second.to_string())
        .env("CHAOS_CLUSTER", options.cluster.to_string())
        .env("CHAOS_STORE", options.store.name())
        .env("CHAOS_FOLDER", claim.path())
        .env("CHAOS_COMMAND", options.command(seed))
        .envs(optional.into_iter().filter_map(|(name, count)| Some((name, count?.to_string()))));
    build::run(&mut command).map(|()| ExitCode::SUCCESS)
}

impl ChaosOptions {
    /// The command line of the same run. The password of a given broker is left out.
    fn command(&self, seed: u64) -> String {
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
    fn name(self) -> &'static str {
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

/// The word that the program reads; unlike what is shown, it has the password.
fn choice(broker: &BrokerChoice) -> String {
    broker.given().map_or_else(|| broker.to_string(), |given| given.url().to_owned())
}

fn new_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Short enough to be typed again.
    (since.as_millis() % 1_000_000).try_into().unwrap_or(0)
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

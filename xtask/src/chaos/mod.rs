//! `cargo xtask chaos`: builds the services and the program of `tests/chaos`, and hands it what was asked for.

mod options;

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use rabbitmq_node::BrokerChoice;

use crate::claim::Claim;
use crate::failure::Failure;
use crate::{build, workspace};
use options::Store;
pub(crate) use options::{ChaosOptions, parse};

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

/// The word that the program reads; unlike what is shown, it has the password.
fn choice(broker: &BrokerChoice) -> String {
    broker.given().map_or_else(|| broker.to_string(), |given| given.url().to_owned())
}

fn new_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Short enough to be typed again.
    (since.as_millis() % 1_000_000).try_into().unwrap_or(0)
}

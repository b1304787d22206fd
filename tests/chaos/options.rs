//! How a run is wanted, as `cargo xtask chaos` hands it on in the environment.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use rabbitmq_node::BrokerChoice;

/// What a run is.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Decides about faults and customers.
    pub(crate) seed: u64,
    pub(crate) broker: BrokerChoice,
    /// Whether it is three nodes.
    pub(crate) cluster: bool,
    pub(crate) store: Store,
    /// Orders that are submitted each second, as long as the broker takes them.
    pub(crate) orders_per_second: f64,
    pub(crate) goal: Goal,
    /// Where logs, databases and mail of the run go.
    pub(crate) folder: PathBuf,
    /// Where unpacked brokers are.
    pub(crate) brokers: PathBuf,
    /// What repeats this run.
    pub(crate) command: String,
}

/// When enough was broken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal {
    /// At least so long, unless the other two are given.
    pub(crate) time: Duration,
    /// Exactly so many faults; otherwise as many as the time allows.
    pub(crate) faults: Option<usize>,
    /// At least so many orders.
    pub(crate) orders: Option<usize>,
}

/// What the services keep their books in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Sqlite,
    Postgres,
}

impl Options {
    /// # Panics
    ///
    /// When the program was not started by `cargo xtask chaos`.
    pub(crate) fn from_env() -> Self {
        Self {
            seed: read("CHAOS_SEED"),
            broker: read("CHAOS_BROKER"),
            cluster: read("CHAOS_CLUSTER"),
            store: read("CHAOS_STORE"),
            orders_per_second: read("CHAOS_ORDERS_PER_SECOND"),
            goal: Goal {
                time: Duration::from_secs_f64(read::<f64>("CHAOS_MINUTES") * 60.0),
                faults: optional("CHAOS_FAULTS"),
                orders: optional("CHAOS_ORDERS"),
            },
            folder: read("CHAOS_FOLDER"),
            brokers: read("CHAOS_BROKERS_DIR"),
            command: read("CHAOS_COMMAND"),
        }
    }
}

impl Goal {
    /// Whether a run that has come so far has come far enough.
    pub(crate) fn is_reached(&self, elapsed: Duration, faults: usize, orders: usize) -> bool {
        let in_time = elapsed >= self.time || (self.faults.is_some() && self.orders.is_some());
        in_time && faults >= self.faults.unwrap_or(0) && orders >= self.orders.unwrap_or(0)
    }

    /// Whether another fault is wanted.
    pub(crate) fn wants_a_fault(&self, elapsed: Duration, faults: usize) -> bool {
        self.faults.map_or(elapsed < self.time, |wanted| faults < wanted)
    }
}

impl FromStr for Store {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "sqlite" => Ok(Self::Sqlite),
            "postgres" => Ok(Self::Postgres),
            other => Err(format!("`{other}` is neither sqlite nor postgres")),
        }
    }
}

fn read<T: FromStr>(name: &str) -> T {
    optional(name).unwrap_or_else(|| panic!("{name} is not set: run this with `cargo xtask chaos`"))
}

fn optional<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}: `{text}` cannot be read")))
}

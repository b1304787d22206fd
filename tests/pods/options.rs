//! How a run is wanted, as `cargo xtask pods` hands it on in the environment.

use std::path::PathBuf;
use std::str::FromStr;

/// What a run is.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) orders_per_second: f64,
    /// Whether times count too, and not only the laws.
    pub(crate) timed: bool,
    /// Where podman keeps volumes, and what is played lies.
    pub(crate) folder: PathBuf,
    /// Where the logs of a run that failed go.
    pub(crate) logs: PathBuf,
}

impl Options {
    /// # Panics
    ///
    /// When the program was not started by `cargo xtask pods`.
    pub(crate) fn from_env() -> Self {
        Self {
            orders_per_second: read("PODS_ORDERS_PER_SECOND"),
            timed: read("PODS_TIMED"),
            folder: read("PODS_FOLDER"),
            logs: read("PODS_LOGS"),
        }
    }
}

fn read<T: FromStr>(name: &str) -> T {
    let text = std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this with `cargo xtask pods`"));
    text.parse().unwrap_or_else(|_| panic!("{name}: `{text}` cannot be read"))
}

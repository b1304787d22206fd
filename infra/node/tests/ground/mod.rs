//! What the tests of this folder stand on: the RabbitMQ that is meant, empty directories, waiting.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rabbitmq_node::{BrokerChoice, Installation};

/// The RabbitMQ of `TEST_BROKER`, otherwise the installed one.
pub(crate) fn installation() -> Installation {
    let Ok(word) = std::env::var("TEST_BROKER") else {
        return Installation::find().expect("rabbitmq-server is missing: run `cargo xtask test`, which installs it");
    };
    let brokers = std::env::var_os("TEST_BROKERS_DIR").expect("TEST_BROKERS_DIR says where TEST_BROKER is unpacked");
    let choice: BrokerChoice = word.parse().expect("TEST_BROKER is a choice of a broker");
    choice.installation(Path::new(&brokers), &mut |line| eprintln!("{line}")).expect("TEST_BROKER can be had")
}

/// An empty directory below `target/tmp`.
pub(crate) fn fresh(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("node").join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory).expect("an old test directory can be removed");
    }
    directory
}

/// Looks until it holds, for half a minute at most.
pub(crate) fn eventually(what: &str, holds: impl FnMut() -> bool) {
    assert!(machine::poll(Duration::from_secs(30), holds), "not within 30 s: {what}");
}

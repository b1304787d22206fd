//! What the tests of this folder stand on: the RabbitMQ that is meant, empty directories, waiting, and a look at the processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rabbitmq_node::{BrokerChoice, Installation, Node};

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

/// The processes whose home is this directory: every one that a node has started.
pub(crate) fn processes_of(directory: &Path) -> Vec<String> {
    let home = [b"HOME=", directory.as_os_str().as_encoded_bytes()].concat();
    fs::read_dir("/proc")
        .expect("Linux shows its processes")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|process| {
            fs::read(process.join("environ"))
                .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|variable| variable == home))
        })
        .filter_map(|process| fs::read_to_string(process.join("comm")).ok())
        .collect()
}

/// RabbitMQ 3.10 writes the register of its quorum queues some seconds late: killed earlier, a node would come back with queues that
/// never find their leader.
pub(crate) fn wait_for_register(node: &Node, queues: &[&str]) {
    let data = node.directory().data();
    let register = data.join(format!("{0}/quorum/{0}/names.dets", node.name()));
    eventually("the queues are in the register on the disk", || {
        let Ok(bytes) = fs::read(&register) else { return false };
        queues.iter().all(|queue| {
            let entry = format!("%2F_{queue}");
            bytes.windows(entry.len()).any(|name| name == entry.as_bytes())
        })
    });
}

//! What the system shows of a node: its processes, and what it has written.

use std::fs;
use std::path::Path;

use rabbitmq_node::Node;

use crate::ground::eventually;

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

/// Returns once the node would know its quorum queues after its sudden death.
pub(crate) fn wait_for_register(node: &Node) {
    eventually("the queues are in the register on the disk", || {
        node.unregistered_queues().is_ok_and(|queues| queues.is_empty())
    });
}

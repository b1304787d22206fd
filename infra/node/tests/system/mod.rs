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

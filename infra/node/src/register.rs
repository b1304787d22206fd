//! Which quorum queues a node would know after its sudden death.

use std::fs;

use crate::{Error, Node};

impl Node {
    /// The quorum queues that the node leads or follows and has not written into its register on the disk yet. RabbitMQ 3.10 does
    /// so some seconds after their declaration; killed earlier, it comes back with queues that never find their leader.
    ///
    /// # Errors
    ///
    /// When the management does not answer.
    pub fn unregistered_queues(&self) -> Result<Vec<String>, Error> {
        let register = self.directory().data().join(format!("{0}/quorum/{0}/names.dets", self.name()));
        let register = fs::read(register).unwrap_or_default();
        let all = self.management().get("queues")?;
        let quorum = all.as_array().into_iter().flatten().filter(|queue| queue["type"] == "quorum");
        let named = quorum.map(|queue| [&queue["vhost"], &queue["name"]].map(|name| name.as_str().unwrap_or_default()));
        // As the node names the process behind a queue.
        let entry = |[vhost, name]: [&str; 2]| format!("{}_{name}", vhost.replace('/', "%2F"));
        let known = |entry: &String| register.windows(entry.len()).any(|name| name == entry.as_bytes());
        Ok(named.map(entry).filter(|entry| !known(entry)).collect())
    }
}

//! Which queues a node would know after its sudden death.

use std::fs;

use serde_json::Value;

use crate::{Error, Node};

impl Node {
    /// The quorum queues and streams that the node has not written into its registers on the disk yet. It does so some seconds after
    /// their declaration; killed earlier, it comes back with queues that never find their leader.
    ///
    /// # Errors
    ///
    /// When the management does not answer.
    pub fn unregistered_queues(&self) -> Result<Vec<String>, Error> {
        let all = self.management().get("queues")?;
        let [quorum, coordination] = ["quorum", "coordination"].map(|system| {
            let file = self.directory().data().join(format!("{0}/{system}/{0}/names.dets", self.name()));
            fs::read(file).unwrap_or_default()
        });
        let known = |register: &[u8], entry: &str| register.windows(entry.len()).any(|name| name == entry.as_bytes());
        let is_missing = |queue: &&Value| match queue["type"].as_str() {
            // As the node names the process behind the queue.
            Some("quorum") => {
                !known(&quorum, &[text(queue, "vhost").replace('/', "%2F").as_str(), "_", text(queue, "name")].concat())
            }
            // One process keeps all of them.
            Some("stream") => !known(&coordination, "rabbit_stream_coordinator"),
            _ => false,
        };
        let missing = all.as_array().into_iter().flatten().filter(is_missing);
        Ok(missing.map(|queue| text(queue, "name").to_owned()).collect())
    }
}

fn text<'a>(queue: &'a Value, field: &str) -> &'a str {
    queue[field].as_str().unwrap_or_default()
}

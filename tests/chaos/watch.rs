//! Looks whether every service consumes, and measures how long that takes after a fault.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use serde_json::Value;
use tests::{Vhost, blocking, eventually, lasting, queues};
use tokio::time::timeout;

use crate::fleet::Fleet;

/// After this a service is given up.
const LIMIT: Duration = Duration::from_secs(60);
/// How long one look may take.
const LOOK: Duration = Duration::from_secs(5);

/// The queues of the shop and how many consumers each has when all is well.
#[derive(Debug)]
pub(crate) struct Watch {
    url: String,
    consumers: BTreeMap<String, u32>,
    channel: Option<(Connection, Channel)>,
}

impl Watch {
    /// Looks at the shop while all is well.
    pub(crate) async fn begin(vhost: &Vhost) -> Self {
        let mut watch = Self { url: vhost.url(), consumers: BTreeMap::new(), channel: None };
        for queue in
            queues(vhost.broker().management(), vhost.name()).await.into_iter().filter(|queue| !queue.exclusive)
        {
            let consumers = watch.consumers_of(&queue.name).await.expect("the queue is there");
            if consumers > 0 {
                watch.consumers.insert(queue.name, consumers);
            }
        }
        assert!(watch.consumers.len() >= 10, "work queues: {:?}", watch.consumers);
        watch
    }

    /// Waits until every replica says that it is ready and the broker says that every queue has all its consumers; returns how long
    /// that took since then.
    pub(crate) async fn recovered(&mut self, fleet: &Fleet, since: Instant) -> Result<Duration, String> {
        loop {
            let looked = Instant::now();
            let missing = match timeout(LOOK, self.look(fleet)).await {
                Ok(Ok(())) => return Ok(looked.saturating_duration_since(since)),
                Ok(Err(missing)) => missing,
                Err(_) => format!("no answer within {} s", LOOK.as_secs()),
            };
            if since.elapsed() > LIMIT {
                return Err(missing);
            }
            lasting(Duration::from_millis(50)).await;
        }
    }

    /// The queues that are worked.
    pub(crate) fn queues(&self) -> Vec<String> {
        self.consumers.keys().cloned().collect()
    }

    async fn look(&mut self, fleet: &Fleet) -> Result<(), String> {
        for (queue, wanted) in self.consumers.clone() {
            match self.consumers_of(&queue).await {
                Ok(found) if found >= wanted => {}
                Ok(found) => return Err(format!("{queue} has {found} consumers instead of {wanted}")),
                Err(error) => {
                    self.channel = None;
                    return Err(format!("{queue}: {error}"));
                }
            }
        }
        fleet.ready().await
    }

    /// What the broker knows at this moment; its management would tell what was seconds ago.
    async fn consumers_of(&mut self, queue: &str) -> Result<u32, lapin::Error> {
        if self.channel.is_none() {
            let connection = Connection::connect(&self.url, ConnectionProperties::default()).await?;
            let channel = connection.create_channel().await?;
            self.channel = Some((connection, channel));
        }
        let (_, channel) = self.channel.as_ref().expect("just opened");
        let options = QueueDeclareOptions { passive: true, ..Default::default() };
        Ok(channel.queue_declare(queue.into(), options, FieldTable::default()).await?.consumer_count())
    }
}

/// Waits until a new vhost runs on every node; until then some of them refuse it.
pub(crate) async fn whole(vhost: &Vhost) {
    eventually("the vhost runs on every node", || async {
        let (management, path) = (vhost.broker().management().clone(), format!("vhosts/{}", vhost.name()));
        blocking(move || {
            let (told, nodes) = (management.get(&path)?, management.get("nodes?columns=name")?);
            let mut missing = Vec::new();
            for node in nodes.as_array().into_iter().flatten().filter_map(|node| node["name"].as_str()) {
                if told["cluster_state"][node] != "running" {
                    // A node that had just joined when the vhost was made would look for it only every 30 s.
                    let _ = management.post(&format!("{path}/start/{node}"), &Value::Null);
                    missing.push(node.to_owned());
                }
            }
            Ok::<_, rabbitmq_node::Error>(missing)
        })
        .await
        .map_err(|error| error.to_string())
        .and_then(|missing| if missing.is_empty() { Ok(()) } else { Err(missing.join(", ")) })
    })
    .await;
}

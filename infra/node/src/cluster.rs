//! Three nodes on loopback that are one broker: start, outage of one, stop.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use machine::poll;
use serde_json::Value;

use crate::directory::Directory;
use crate::distribution::Distribution;
use crate::mapper::Mapper;
use crate::{Definitions, Error, Installation, Management, Node, NodeOptions};

/// How many nodes there are: the fewest of which one may be missing.
const SIZE: usize = 3;

/// How a cluster is to be started.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// Where everything of the cluster lies; made when missing. Each node has a directory below it. What was there goes.
    pub directory: PathBuf,
    /// A definitions file to import when all nodes are there, so that every quorum queue has a replica on each of them. It has to bring
    /// the administrator.
    pub definitions: Option<PathBuf>,
    /// How long the nodes may take until they are one cluster, and a single one until it is back.
    pub deadline: Duration,
}

impl ClusterOptions {
    /// A blank cluster in this directory, ready within two minutes.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), definitions: None, deadline: Duration::from_secs(120) }
    }
}

/// Three private nodes that are one broker. Nodes are counted from 0. Dropping it stops them.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Node>,
    deadline: Duration,
    /// Goes after the nodes, which ask it for each other.
    _mapper: Mapper,
}

impl Cluster {
    /// Starts the nodes and waits until each of them sees all of them.
    ///
    /// # Errors
    /// As [`Node::start`], and [`Error::NotTogether`].
    pub fn start(installation: &Installation, options: &ClusterOptions) -> Result<Self, Error> {
        let mapper = Mapper::start(installation)?;
        let definitions = options.definitions.as_deref().map(Definitions::read).transpose()?;
        let names: Vec<String> = (1..=SIZE).map(|number| format!("garenne-{number}")).collect();
        let place = |name: &String| options.directory.join(name);
        let mut nodes = Vec::new();
        for name in &names {
            Directory::share_cookie(&place(&names[0]), &place(name))?;
            // The first one waits for nobody, and the others look for it alone.
            let mut known = vec![Node::full_name(&names[0]), Node::full_name(name)];
            known.dedup();
            let distribution = Distribution::Cluster { mapper: mapper.port(), known };
            let own = NodeOptions { name: name.clone(), deadline: options.deadline, ..NodeOptions::new(place(name)) };
            nodes.push(Node::prepare(installation, &own, distribution)?);
        }
        // The first one is the cluster that the others join. All at once, they would wait for each other's lock, at random.
        let (first, others) = nodes.split_at_mut(1);
        each(first, Node::restart)?;
        each(others, Node::restart)?;
        let cluster = Self { nodes, deadline: options.deadline, _mapper: mapper };
        cluster.wait_until_together(SIZE)?;
        if let Some(definitions) = definitions {
            definitions.import(&cluster.nodes[0].management())?;
        }
        Ok(cluster)
    }

    /// The nodes, also those that are down.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The management API of the first node that runs, as the administrator.
    #[must_use]
    pub fn management(&self) -> Management {
        self.nodes.iter().find(|node| node.is_running()).unwrap_or(&self.nodes[0]).management()
    }

    /// The node that leads a quorum queue now.
    ///
    /// # Errors
    /// [`Error::Management`] when there is no such queue, [`Error::NoLeader`] when it has no leader at the moment.
    pub fn leader(&self, vhost: &str, queue: &str) -> Result<usize, Error> {
        let [vhost, name] = [vhost, queue].map(Management::segment);
        let answer = self.management().get(&format!("queues/{vhost}/{name}"))?;
        let leader = answer["leader"].as_str().unwrap_or_default();
        self.nodes
            .iter()
            .position(|node| node.name() == leader && node.is_running())
            .ok_or_else(|| Error::NoLeader { queue: queue.to_owned(), told: leader.to_owned() })
    }

    /// Kills one node with SIGKILL, as a power failure would. [`Cluster::restart`] brings it back with its data.
    ///
    /// # Errors
    /// [`Error::NotStopped`].
    ///
    /// # Panics
    /// When there is no such node.
    pub fn kill(&mut self, node: usize) -> Result<(), Error> {
        self.nodes[node].kill()
    }

    /// Starts one node again with the same data and ports, and waits until all that run see it; one that still runs is stopped first.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    ///
    /// # Panics
    /// When there is no such node.
    pub fn restart(&mut self, node: usize) -> Result<(), Error> {
        self.nodes[node].restart()?;
        self.wait_until_together(self.nodes.iter().filter(|node| node.is_running()).count())
    }

    /// Stops all nodes in good order, at the same time. Stopping twice is allowed.
    ///
    /// # Errors
    /// [`Error::NotStopped`] when even SIGKILL has no effect.
    pub fn stop(&mut self) -> Result<(), Error> {
        each(&mut self.nodes, Node::stop)
    }

    /// Every node that runs says that so many of them run.
    fn wait_until_together(&self, count: usize) -> Result<(), Error> {
        let mut seen = Vec::new();
        let together = poll(self.deadline, || {
            let running = self.nodes.iter().filter(|node| node.is_running());
            seen = running.map(|node| running_members(&node.management())).collect();
            seen.iter().all(|seen| *seen == count)
        });
        if together { Ok(()) } else { Err(Error::NotTogether { deadline: self.deadline, wanted: count, seen }) }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// How many nodes run, as one of them sees it.
fn running_members(management: &Management) -> usize {
    let nodes = management.get("nodes").unwrap_or_default();
    nodes.as_array().map_or(0, |nodes| nodes.iter().filter(|node| node["running"] == Value::Bool(true)).count())
}

/// Does the same with every node at once. The first error counts.
fn each(nodes: &mut [Node], what: impl Fn(&mut Node) -> Result<(), Error> + Sync) -> Result<(), Error> {
    let what = &what;
    thread::scope(|scope| {
        let threads: Vec<_> = nodes.iter_mut().map(|node| scope.spawn(move || what(node))).collect();
        let results: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
        for result in results {
            match result {
                Ok(result) => result?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(())
    })
}

//! The broker that is broken.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lapin::{Connection, ConnectionProperties};
use rabbitmq_node::{ADMINISTRATOR, Cluster, ClusterOptions, GivenBroker, Installation, Management, Node, NodeOptions};
use serde_json::json;
use tests::faults::Kind;
use tests::{Broker, Vhost, blocking, lasting};

use crate::balancer::balance;
use crate::options::Options;

/// How long the broker may take until it answers again.
const ANSWER: Duration = Duration::from_secs(90);

/// A broker and what can be done to it.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// A node of the run's own.
    Own(Arc<Mutex<Node>>),
    /// Three nodes of the run's own behind one address for AMQP and one for the management.
    Cluster { cluster: Arc<Mutex<Cluster>>, amqp: u16, management: u16 },
    /// Somebody else's, which is not stopped.
    Given(GivenBroker),
}

impl Target {
    pub(crate) async fn start(options: &Options) -> Self {
        if let Some(given) = options.broker.given() {
            return Self::Given(given.clone());
        }
        let options = options.clone();
        blocking(move || {
            let installation = options.broker.installation(&options.brokers, &mut |line| eprintln!("{line}"));
            let installation = installation.unwrap_or_else(|error| panic!("{error}"));
            let folder = options.folder.join("broker");
            let started = if options.cluster {
                Cluster::start(&installation, &ClusterOptions::new(folder)).map(Self::of_three)
            } else {
                Self::of_one(&installation, folder)
            };
            started.unwrap_or_else(|error| panic!("{error}"))
        })
        .await
    }

    fn of_one(installation: &Installation, folder: std::path::PathBuf) -> Result<Self, rabbitmq_node::Error> {
        let node = Node::start(installation, &NodeOptions::new(folder))?;
        Ok(Self::Own(Arc::new(Mutex::new(node))))
    }

    fn of_three(cluster: Cluster) -> Self {
        let amqp = cluster.nodes().iter().map(Node::amqp_port).collect();
        let port = |url: String| url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a URL with a port");
        let management = cluster.nodes().iter().map(|node| port(node.management_url())).collect();
        Self::Cluster { amqp: balance(amqp), management: balance(management), cluster: Arc::new(Mutex::new(cluster)) }
    }

    /// The vhost of the run.
    pub(crate) fn vhost(&self) -> Vhost {
        let local = |port: u16| format!("127.0.0.1:{port}");
        match self {
            Self::Own(node) => {
                let node = lock(node);
                let broker = Broker::at(local(node.amqp_port()), node.management(), ADMINISTRATOR);
                Vhost::on(broker, "chaos".to_owned())
            }
            Self::Cluster { amqp, management, .. } => {
                let (user, password) = ADMINISTRATOR;
                let management = Management::new(&format!("http://{}", local(*management)), user, password);
                Vhost::on(Broker::at(local(*amqp), management, ADMINISTRATOR), "chaos".to_owned())
            }
            Self::Given(given) => {
                let address = format!("{}:{}", given.host(), given.port());
                let broker = Broker::at(address, given.management(), given.user());
                Vhost::on(broker, format!("chaos-{}", std::process::id()))
            }
        }
    }

    /// The faults that can happen to it and to the services around it. Some stand there twice: they come twice as often.
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        let mut kinds = vec![
            Kind::KillService,
            Kind::KillService,
            Kind::StopService,
            Kind::CloseConnections,
            Kind::Cut,
            Kind::Stall,
            Kind::Delay,
        ];
        match self {
            Self::Own(_) => {
                kinds.extend([Kind::KillBroker, Kind::KillBroker, Kind::RestartBroker, Kind::MemoryAlarm]);
            }
            Self::Cluster { .. } => kinds.extend([Kind::KillLeader; 4]),
            Self::Given(_) => {}
        }
        kinds
    }

    /// Takes the broker away for so long and brings it back; returns the moment at which it answered again.
    pub(crate) async fn interrupt(&self, vhost: &Vhost, orderly: bool, lasts: Duration) -> Instant {
        let Self::Own(node) = self else { panic!("only one node of the run's own is taken away") };
        let (down, up) = (Arc::clone(node), Arc::clone(node));
        blocking(move || {
            let mut node = lock(&down);
            if orderly {
                node.stop().expect("the broker ends");
                return;
            }
            let registered = || node.unregistered_queues().is_ok_and(|queues| queues.is_empty());
            assert!(
                machine::poll(ANSWER, registered),
                "not within {ANSWER:?}: the queues are in the broker's register"
            );
            node.kill().expect("the broker ends");
        })
        .await;
        lasting(lasts).await;
        let restart = blocking(move || lock(&up).restart().expect("the broker comes back"));
        let (answered, ()) = tokio::join!(answers(vhost), restart);
        answered
    }

    /// Kills the node that leads most of these queues; returns which one it was, and the moment at which the others answered.
    pub(crate) async fn kill_leader(&self, vhost: &Vhost, queues: Vec<String>) -> (usize, Instant) {
        let Self::Cluster { cluster, .. } = self else { panic!("only a cluster has leaders") };
        let (cluster, name) = (Arc::clone(cluster), vhost.name().to_owned());
        let killed = blocking(move || {
            let mut cluster = lock(&cluster);
            let mut led = vec![0; cluster.nodes().len()];
            // A queue that is about to get a leader leads nobody astray.
            for leader in queues.iter().filter_map(|queue| cluster.leader(&name, queue).ok()) {
                led[leader] += 1;
            }
            let most = (0..led.len()).max_by_key(|node| led[*node]).unwrap_or(0);
            cluster.kill(most).expect("the node ends");
            most
        })
        .await;
        (killed, answers(vhost).await)
    }

    /// Brings a node of the cluster back.
    pub(crate) async fn bring_back(&self, node: usize) {
        let Self::Cluster { cluster, .. } = self else { panic!("only a cluster has several nodes") };
        let cluster = Arc::clone(cluster);
        blocking(move || lock(&cluster).restart(node).expect("the node comes back")).await;
    }

    /// Lets it be short of memory for so long; returns the moment at which it took messages again.
    pub(crate) async fn run_short_of_memory(&self, lasts: Duration) -> Instant {
        let Self::Own(node) = self else { panic!("only one node of the run's own runs short of memory") };
        let (raised, cleared) = (Arc::clone(node), Arc::clone(node));
        blocking(move || lock(&raised).raise_memory_alarm().expect("the alarm is raised")).await;
        lasting(lasts).await;
        blocking(move || lock(&cleared).clear_memory_alarm().expect("the alarm is cleared")).await;
        Instant::now()
    }

    /// Closes every connection of a service.
    pub(crate) async fn close_connections(&self, vhost: &Vhost, service: &str) -> Instant {
        let (management, user, vhost) =
            (vhost.broker().management().clone(), service.to_owned(), vhost.name().to_owned());
        blocking(move || {
            let connections = management.get("connections?columns=name,user,vhost").expect("the broker tells");
            let all = connections.as_array().cloned().unwrap_or_default();
            for connection in all.iter().filter(|one| one["user"] == json!(user) && one["vhost"] == json!(vhost)) {
                let name = Management::segment(connection["name"].as_str().unwrap_or_default());
                // What the management still lists may be gone.
                let _ = management.delete(&format!("connections/{name}"));
            }
        })
        .await;
        Instant::now()
    }

    /// Stops it, if it is the run's own.
    pub(crate) async fn stop(&self) {
        match self.clone() {
            Self::Own(node) => blocking(move || drop(lock(&node).stop())).await,
            Self::Cluster { cluster, .. } => blocking(move || drop(lock(&cluster).stop())).await,
            Self::Given(_) => {}
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The moment at which the broker lets the administrator in.
async fn answers(vhost: &Vhost) -> Instant {
    let (started, url) = (Instant::now(), vhost.url());
    loop {
        let greeting = Connection::connect(&url, ConnectionProperties::default());
        if let Ok(Ok(connection)) = tokio::time::timeout(Duration::from_secs(5), greeting).await {
            let answered = Instant::now();
            let _ = connection.close(200, "it answers".into()).await;
            return answered;
        }
        assert!(started.elapsed() < ANSWER, "the broker does not answer within {} s", ANSWER.as_secs());
        lasting(Duration::from_millis(20)).await;
    }
}

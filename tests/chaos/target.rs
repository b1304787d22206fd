//! The broker that is broken.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lapin::{Connection, ConnectionProperties};
use rabbitmq_node::{ADMINISTRATOR, BrokerChoice, GivenBroker, Node, NodeOptions};
use serde_json::json;
use tests::faults::Kind;
use tests::{Broker, Vhost, lasting};

use crate::options::Options;

/// How long the broker may take until it answers again.
const ANSWER: Duration = Duration::from_secs(90);

/// A broker and what can be done to it.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// A node of the run's own.
    Own(Arc<Mutex<Node>>),
    /// Somebody else's, which is not stopped.
    Given(GivenBroker),
}

impl Target {
    pub(crate) async fn start(options: &Options) -> Self {
        if let Some(given) = options.broker.given() {
            return Self::Given(given.clone());
        }
        let (choice, brokers, folder) = (options.broker.clone(), options.brokers.clone(), options.folder.clone());
        let node = blocking(move || start(&choice, &brokers, &folder.join("broker"))).await;
        Self::Own(Arc::new(Mutex::new(node)))
    }

    /// The vhost of the run.
    pub(crate) fn vhost(&self) -> Vhost {
        match self {
            Self::Own(node) => {
                let node = node.lock().unwrap_or_else(PoisonError::into_inner);
                let address = format!("127.0.0.1:{}", node.amqp_port());
                Vhost::on(Broker::at(address, node.management(), ADMINISTRATOR), "chaos".to_owned())
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
        let mut kinds =
            vec![Kind::KillService, Kind::KillService, Kind::StopService, Kind::CloseConnections, Kind::Cut];
        if let Self::Own(_) = self {
            kinds.extend([Kind::KillBroker, Kind::KillBroker, Kind::RestartBroker]);
        }
        kinds
    }

    /// Takes the broker away for so long and brings it back; returns the moment at which it answered again.
    pub(crate) async fn interrupt(&self, vhost: &Vhost, orderly: bool, lasts: Duration) -> Instant {
        let Self::Own(node) = self else { panic!("somebody else's broker is not stopped") };
        let down = Arc::clone(node);
        blocking(move || {
            let mut node = down.lock().unwrap_or_else(PoisonError::into_inner);
            if orderly { node.stop() } else { node.kill() }.expect("the broker ends");
        })
        .await;
        lasting(lasts).await;
        let up = Arc::clone(node);
        let restart = blocking(move || {
            up.lock().unwrap_or_else(PoisonError::into_inner).restart().expect("the broker comes back");
        });
        let (answered, ()) = tokio::join!(answers(vhost), restart);
        answered
    }

    /// Closes every connection of a service.
    pub(crate) async fn close_connections(&self, vhost: &Vhost, service: &str) -> Instant {
        let (management, user, vhost) =
            (vhost.broker().management().clone(), service.to_owned(), vhost.name().to_owned());
        blocking(move || {
            let connections = management.get("connections?columns=name,user,vhost").expect("the broker tells");
            let all = connections.as_array().cloned().unwrap_or_default();
            for connection in all.iter().filter(|one| one["user"] == json!(user) && one["vhost"] == json!(vhost)) {
                let name = rabbitmq_node::Management::segment(connection["name"].as_str().unwrap_or_default());
                // What the management still lists may be gone.
                let _ = management.delete(&format!("connections/{name}"));
            }
        })
        .await;
        Instant::now()
    }

    /// Stops it, if it is the run's own.
    pub(crate) async fn stop(&self) {
        if let Self::Own(node) = self {
            let node = Arc::clone(node);
            blocking(move || drop(node.lock().unwrap_or_else(PoisonError::into_inner).stop())).await;
        }
    }
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

fn start(choice: &BrokerChoice, brokers: &std::path::Path, folder: &std::path::Path) -> Node {
    let installation = choice.installation(brokers, &mut |line| eprintln!("{line}"));
    let installation = installation.unwrap_or_else(|error| panic!("{error}"));
    Node::start(&installation, &NodeOptions::new(folder)).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs what would hold up everything else.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

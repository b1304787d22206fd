//! The brokers of the test run; our own ones lie below `target/test/`.

use rabbitmq_node::{ADMINISTRATOR, Cluster, ClusterOptions, Definitions, Installation, Node, NodeOptions};

use super::target::Source;
use crate::claim::Claim;
use crate::failure::Failure;
use crate::workspace;

/// The broker that all end-to-end suites share; each test has a virtual host of its own on it.
#[derive(Debug)]
pub(super) struct TestBroker {
    own: Own,
    environment: Vec<(&'static str, String)>,
    _claim: Option<Claim>,
}

/// What is ours to stop.
#[derive(Debug)]
enum Own {
    Nothing,
    Node(Box<Node>),
    Cluster(Cluster),
}

impl TestBroker {
    /// Starts a node, or makes sure that a given broker answers its user.
    pub(super) fn start(source: &Source) -> Result<Self, Failure> {
        match source {
            Source::Own(installation, profile) => {
                let claim = claim()?;
                let options = NodeOptions { profile: *profile, ..NodeOptions::new(claim.path().join("broker")) };
                let node = Node::start(installation, &options)?;
                let mut environment = environment_of(&node);
                if !profile.has_streams() {
                    environment.push(("TEST_STREAMS", "none".to_owned()));
                }
                Ok(Self { own: Own::Node(Box::new(node)), environment, _claim: Some(claim) })
            }
            Source::Cluster(installation) => {
                let claim = claim()?;
                let cluster = Cluster::start(installation, &ClusterOptions::new(claim.path().join("cluster")))?;
                let environment = environment_of(&cluster.nodes()[0]);
                Ok(Self { own: Own::Cluster(cluster), environment, _claim: Some(claim) })
            }
            Source::Given(broker) => {
                let answer = broker.management().get("whoami")?;
                let (user, _) = broker.user();
                if !answer["tags"].to_string().contains("administrator") {
                    return Err(Failure::new(format!(
                        "{broker}: the suites need an administrator, which {user} is not"
                    )));
                }
                let address = format!("{}:{}", broker.host(), broker.port());
                let environment = environment(address, broker.management_url(), broker.user()).to_vec();
                Ok(Self { own: Own::Nothing, environment, _claim: None })
            }
        }
    }

    /// What the suites read to find it.
    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        self.environment.clone()
    }

    /// Stops it if it is ours.
    pub(super) fn stop(&mut self) -> Result<(), Failure> {
        match &mut self.own {
            Own::Nothing => Ok(()),
            Own::Node(node) => Ok(node.stop()?),
            Own::Cluster(cluster) => Ok(cluster.stop()?),
        }
    }
}

fn environment_of(node: &Node) -> Vec<(&'static str, String)> {
    let own = environment(format!("127.0.0.1:{}", node.amqp_port()), &node.management_url(), ADMINISTRATOR);
    let mqtt = node.mqtt_port().map(|port| ("TEST_MQTT_PORT", port.to_string()));
    let authorities =
        node.encryption().map(|encryption| ("TEST_AMQP_CA_FILE", encryption.authorities.display().to_string()));
    own.into_iter().chain(mqtt).chain(authorities).collect()
}

fn environment(address: String, management_url: &str, user: (&str, &str)) -> [(&'static str, String); 4] {
    [
        ("TEST_AMQP_ADDRESS", address),
        ("TEST_MANAGEMENT_URL", management_url.to_owned()),
        ("TEST_ADMIN_USER", user.0.to_owned()),
        ("TEST_ADMIN_PASSWORD", user.1.to_owned()),
    ]
}

/// Imports the generated definitions into a blank node, which checks that it has every object.
pub(super) fn import(installation: &Installation) -> Result<(), Failure> {
    let claim = claim()?;
    let file = workspace::definitions_file();
    let options = NodeOptions { definitions: Some(file.clone()), ..NodeOptions::new(claim.path().join("import")) };
    let mut node = Node::start(installation, &options)?;
    let version = installation.version().unwrap_or_default();
    println!("a blank RabbitMQ {version} has imported {}", Definitions::read(&file)?.counts());
    Ok(node.stop()?)
}

fn claim() -> Result<Claim, Failure> {
    Claim::take(&workspace::target().join("test"))
}

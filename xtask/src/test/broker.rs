//! The brokers of the test run, below `target/test/`.

use rabbitmq_node::{ADMINISTRATOR, Definitions, Installation, Node, NodeOptions};

use crate::claim::Claim;
use crate::failure::Failure;
use crate::workspace;

/// The node that all end-to-end suites share; each test has a virtual host of its own on it.
#[derive(Debug)]
pub(super) struct TestBroker {
    node: Node,
    _claim: Claim,
}

impl TestBroker {
    pub(super) fn start(installation: &Installation) -> Result<Self, Failure> {
        let claim = claim()?;
        let node = Node::start(installation, &NodeOptions::new(claim.path().join("broker")))?;
        Ok(Self { node, _claim: claim })
    }

    /// What the suites read to find it.
    pub(super) fn environment(&self) -> [(&'static str, String); 4] {
        let (user, password) = ADMINISTRATOR;
        [
            ("TEST_AMQP_PORT", self.node.amqp_port().to_string()),
            ("TEST_MANAGEMENT_URL", self.node.management_url()),
            ("TEST_ADMIN_USER", user.to_owned()),
            ("TEST_ADMIN_PASSWORD", password.to_owned()),
        ]
    }

    pub(super) fn stop(&mut self) -> Result<(), Failure> {
        Ok(self.node.stop()?)
    }
}

/// Imports the generated definitions into a blank node, which checks that it has every object.
pub(super) fn import(installation: &Installation) -> Result<(), Failure> {
    let claim = claim()?;
    let file = workspace::definitions_file();
    let options = NodeOptions { definitions: Some(file.clone()), ..NodeOptions::new(claim.path().join("import")) };
    let mut node = Node::start(installation, &options)?;
    println!("a blank broker has imported {}", Definitions::read(&file)?.counts());
    Ok(node.stop()?)
}

fn claim() -> Result<Claim, Failure> {
    Claim::take(&workspace::target().join("test"))
}

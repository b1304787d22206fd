//! A broker of one test's own, for what the shared one must not suffer.

use rabbitmq_node::{ADMINISTRATOR, Management, Node, NodeOptions};
use tempfile::TempDir;

use crate::broker::installation;
use crate::service::tail;
use crate::wait::PATIENCE;

/// A private node that can be killed and brought to its limits. It ends with its owner.
#[derive(Debug)]
pub struct OwnBroker {
    node: Node,
    _folder: TempDir,
}

impl OwnBroker {
    /// Starts it, which takes some seconds.
    ///
    /// # Panics
    ///
    /// As [`installation`], and when the node does not start.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let options = NodeOptions::new(folder.path().join("node"));
        let node = Node::start(&installation(), &options).unwrap_or_else(|error| panic!("{error}"));
        Self { node, _folder: folder }
    }

    /// The administrator's URL of the vhost `/`.
    #[must_use]
    pub fn url(&self) -> String {
        self.node.amqp_url(ADMINISTRATOR.0, ADMINISTRATOR.1, "/")
    }

    /// The management interface, as the administrator.
    #[must_use]
    pub fn management(&self) -> Management {
        self.node.management()
    }

    /// Ends it as a power failure would, once it would know its queues after that.
    ///
    /// # Panics
    ///
    /// When it does not end.
    pub fn kill(&mut self) {
        let registered = || self.node.unregistered_queues().is_ok_and(|queues| queues.is_empty());
        assert!(
            machine::poll(PATIENCE, registered),
            "not within {PATIENCE:?}: the queues are in the register on the disk"
        );
        self.node.kill().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Starts it again with its data, and returns once it is ready.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn restart(&mut self) {
        self.node.restart().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Makes it believe that it is short of memory: it takes no messages until [`OwnBroker::clear_alarm`].
    ///
    /// # Panics
    ///
    /// When the node cannot be told.
    pub fn raise_alarm(&self) {
        self.node.raise_memory_alarm().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Ends what [`OwnBroker::raise_alarm`] has begun.
    ///
    /// # Panics
    ///
    /// When the node cannot be told.
    pub fn clear_alarm(&self) {
        self.node.clear_memory_alarm().unwrap_or_else(|error| panic!("{error}"));
    }
}

impl Drop for OwnBroker {
    #[expect(clippy::print_stderr, reason = "the log of a broker explains why its test failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the broker ---\n{}", tail(&self.node.directory().log().join("rabbitmq.log")));
        }
    }
}

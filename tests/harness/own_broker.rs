//! A broker of one test's own, for what the shared one must not suffer.

use std::process::{Command, Stdio};

use rabbitmq_node::{ADMINISTRATOR, Installation, Management, Node, NodeOptions, Ports};
use tempfile::TempDir;

/// The name before the `@localhost`.
const NAME: &str = "own";

/// A private node that can be killed and brought to its limits. It ends with its owner.
#[derive(Debug)]
pub struct OwnBroker {
    node: Node,
    ports: Ports,
    folder: TempDir,
}

impl OwnBroker {
    /// Starts it, which takes some seconds.
    ///
    /// # Panics
    ///
    /// When RabbitMQ is not installed or does not start.
    #[must_use]
    pub fn start() -> Self {
        let installation = Installation::find().expect("RabbitMQ is installed: run the suites with `cargo xtask test`");
        let folder = tempfile::tempdir().expect("a folder");
        let ports = Ports::free().expect("free ports");
        let options =
            NodeOptions { name: NAME.to_owned(), ports: Some(ports), ..NodeOptions::new(folder.path().join("node")) };
        let node = Node::start(&installation, &options).unwrap_or_else(|error| panic!("{error}"));
        Self { node, ports, folder }
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

    /// Ends it as a power failure would.
    ///
    /// # Panics
    ///
    /// When it does not end.
    pub fn kill(&mut self) {
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
        self.tell("set_alarm", &format!("{{{{resource_limit, memory, '{NAME}@localhost'}}, []}}"));
    }

    /// Ends what [`OwnBroker::raise_alarm`] has begun.
    ///
    /// # Panics
    ///
    /// When the node cannot be told.
    pub fn clear_alarm(&self) {
        self.tell("clear_alarm", &format!("{{resource_limit, memory, '{NAME}@localhost'}}"));
    }

    /// Calls a function of `rabbit_alarm` on the node. It has no entry in an epmd, so the port is given.
    fn tell(&self, function: &str, argument: &str) {
        let call = format!(
            "case rpc:call('{NAME}@localhost', rabbit_alarm, {function}, [{argument}]) of ok -> halt(0); \
             Other -> io:format(\"~p~n\", [Other]), halt(1) end."
        );
        let teller = format!("teller-{}@localhost", self.ports.distribution);
        let port = self.ports.distribution.to_string();
        let told = Command::new("erl")
            .env("HOME", self.folder.path().join("node"))
            .args(["-noshell", "-hidden", "-sname", &teller, "-start_epmd", "false", "-erl_epmd_port", &port])
            .args(["-dist_listen", "false", "-eval", &call])
            .stdin(Stdio::null())
            .output()
            .expect("Erlang is where RabbitMQ is");
        assert!(told.status.success(), "{function}: {}", String::from_utf8_lossy(&told.stdout));
    }
}

impl Drop for OwnBroker {
    #[expect(clippy::print_stderr, reason = "the log of a broker explains why its test failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.node.directory().log().join("rabbitmq.log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("--- the broker ---\n{}", lines[lines.len().saturating_sub(25)..].join("\n"));
        }
    }
}

//! How a node is found by other Erlang nodes.

use std::process::Command;

use crate::ports::Ports;

/// A node alone, or one of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Distribution {
    /// Its port is known: nobody has to ask a port mapper for it.
    Alone,
    /// One port per node: a port mapper of the cluster's own tells them apart.
    Cluster {
        /// The port mapper's port.
        mapper: u16,
        /// The full names of the nodes among which a blank one looks for its cluster: itself too.
        known: Vec<String>,
    },
}

impl Distribution {
    /// Tells Erlang. No node starts a port mapper itself: that would outlive it.
    pub(crate) fn apply(&self, command: &mut Command, ports: Ports) {
        let port = ports.distribution.to_string();
        command.env("RABBITMQ_DIST_PORT", &port);
        self.find(command, ports);
        if let Self::Cluster { .. } = self {
            command.args(["-kernel", "inet_dist_listen_min", &port, "inet_dist_listen_max", &port]);
        }
        command.args(["-kernel", "inet_dist_use_interface", "{127,0,0,1}"]);
    }

    /// Tells another Erlang how the node is found.
    pub(crate) fn find(&self, command: &mut Command, ports: Ports) {
        command.args(["-start_epmd", "false"]);
        match self {
            Self::Alone => command.args(["-erl_epmd_port", &ports.distribution.to_string()]),
            Self::Cluster { mapper, .. } => command.env("ERL_EPMD_PORT", mapper.to_string()),
        };
    }

    /// The lines of `rabbitmq.conf` by which a blank node finds its cluster.
    pub(crate) fn lines(&self) -> Vec<String> {
        let Self::Cluster { known, .. } = self else { return Vec::new() };
        let mut lines = vec!["cluster_formation.peer_discovery_backend = classic_config".to_owned()];
        lines.extend(
            known
                .iter()
                .enumerate()
                .map(|(index, name)| format!("cluster_formation.classic_config.nodes.{} = {name}", index + 1)),
        );
        lines
    }
}

//! A private node's `rabbitmq.conf`: the shared one of `infra/rabbitmq`, with the node's own addresses and definitions.

use std::path::Path;

use crate::distribution::Distribution;
use crate::encryption::Encryption;
use crate::node::ADMINISTRATOR;
use crate::ports::Ports;
use crate::profile::Profile;

/// The configuration that Compose mounts and the private node starts from.
const SHARED: &str = include_str!("../../rabbitmq/rabbitmq.conf");

/// The plugins of the usual node.
const ENABLED_PLUGINS: &str = include_str!("../../rabbitmq/enabled_plugins");

/// How a node differs from others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind<'a> {
    pub(crate) encryption: Option<&'a Encryption>,
    pub(crate) profile: Profile,
}

impl Kind<'_> {
    /// Whether devices are heard, which is never encrypted here.
    pub(crate) fn has_mqtt(self) -> bool {
        self.encryption.is_none() && self.profile.plugins().is_none()
    }

    /// The text of `enabled_plugins`.
    pub(crate) fn plugins(self) -> String {
        let usual = ENABLED_PLUGINS.trim().trim_start_matches('[').trim_end_matches("].").split(',').map(str::trim);
        let mut plugins: Vec<&str> = match self.profile.plugins() {
            Some(plugins) => plugins.to_vec(),
            None => usual.filter(|plugin| self.has_mqtt() || *plugin != "rabbitmq_mqtt").collect(),
        };
        plugins.extend(self.encryption.and_then(Encryption::plugin));
        format!("[{}].\n", plugins.join(","))
    }
}

/// The text of the node's own `rabbitmq.conf`. Without definitions the node makes the administrator itself.
pub(crate) fn render(ports: Ports, definitions: Option<&Path>, distribution: &Distribution, kind: Kind<'_>) -> String {
    // Where definitions are imported, RabbitMQ makes no default user: the file has to bring the administrator.
    let kept = SHARED.lines().filter(|line| !line.starts_with("definitions.") && !line.starts_with('#'));
    // RabbitMQ refuses the settings of plugins that are off.
    let kept = kept.filter(|line| kind.has_mqtt() || !line.starts_with("mqtt."));
    let mut lines: Vec<String> = kept.filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
    let Ports { amqp, management, metrics, mqtt, .. } = ports;
    match kind.encryption {
        Some(encryption) => lines.extend(encryption.lines(amqp)),
        None => lines.push(format!("listeners.tcp.loopback = 127.0.0.1:{amqp}")),
    }
    lines.extend([
        "management.tcp.ip = 127.0.0.1".to_owned(),
        format!("management.tcp.port = {management}"),
        "prometheus.tcp.ip = 127.0.0.1".to_owned(),
        format!("prometheus.tcp.port = {metrics}"),
    ]);
    if kind.has_mqtt() {
        lines.push(format!("mqtt.listeners.tcp.loopback = 127.0.0.1:{mqtt}"));
    }
    lines.extend(kind.profile.lines().iter().map(|line| (*line).to_owned()));
    lines.extend(distribution.lines());
    match definitions {
        Some(path) => lines.extend([
            "definitions.import_backend = local_filesystem".to_owned(),
            format!("definitions.local.path = {}", path.display()),
        ]),
        None => lines.extend([
            format!("default_user = {}", ADMINISTRATOR.0),
            format!("default_pass = {}", ADMINISTRATOR.1),
            "default_user_tags.administrator = true".to_owned(),
        ]),
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::{Kind, SHARED, render};
    use crate::distribution::Distribution;
    use crate::ports::Ports;
    use crate::{CredentialFiles, Encryption, Profile};

    const USUAL: Kind<'static> = Kind { encryption: None, profile: Profile::Usual };
    const PORTS: Ports = Ports { amqp: 1, management: 2, metrics: 3, mqtt: 5, distribution: 4 };

    /// Every line that is neither blank nor a comment is `key = value`, and no key comes twice.
    fn parse(text: &str) -> BTreeMap<&str, &str> {
        let mut entries = BTreeMap::new();
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            let (key, value) = line.split_once(" = ").unwrap_or_else(|| panic!("`{line}` is not `key = value`"));
            assert_eq!(entries.insert(key, value), None, "{key} comes twice");
        }
        entries
    }

    #[test]
    fn the_shared_configuration_states_the_limits_and_imports_the_definitions() {
        let shared = parse(SHARED);
        for key in ["vm_memory_high_watermark.absolute", "disk_free_limit.absolute", "heartbeat"] {
            assert!(shared.contains_key(key), "{key} is not set");
        }
        assert_eq!(shared["definitions.import_backend"], "local_filesystem");
        // What devices publish goes where inventory hears it, and nobody publishes without a name.
        assert_eq!((shared["mqtt.exchange"], shared["mqtt.allow_anonymous"]), ("inventory.devices", "false"));
        // With it, RabbitMQ 3.10 boots with half a topology and shows no error.
        assert!(!shared.contains_key("definitions.skip_if_unchanged"));
    }

    #[test]
    fn a_private_node_listens_on_loopback_only() {
        let text = render(PORTS, None, &Distribution::Alone, USUAL);
        let own = parse(&text);
        assert_eq!(own["listeners.tcp.loopback"], "127.0.0.1:1");
        assert_eq!((own["management.tcp.ip"], own["management.tcp.port"]), ("127.0.0.1", "2"));
        assert_eq!((own["prometheus.tcp.ip"], own["prometheus.tcp.port"]), ("127.0.0.1", "3"));
        assert_eq!(own["mqtt.listeners.tcp.loopback"], "127.0.0.1:5");
        assert_eq!(own["default_user"], "admin");
        assert!(!text.contains("definitions."));
    }

    #[test]
    fn given_definitions_replace_the_shared_path() {
        let text = render(PORTS, Some(Path::new("/some/where.json")), &Distribution::Alone, USUAL);
        let own = parse(&text);
        assert_eq!(own["definitions.local.path"], "/some/where.json");
        assert!(!own.contains_key("default_user"));
    }

    #[test]
    fn a_node_of_a_cluster_names_those_it_looks_for() {
        let known = vec!["a@localhost".to_owned(), "b@localhost".to_owned()];
        let text = render(PORTS, None, &Distribution::Cluster { mapper: 5, known }, USUAL);
        let own = parse(&text);
        assert_eq!(own["cluster_formation.peer_discovery_backend"], "classic_config");
        assert_eq!(own["cluster_formation.classic_config.nodes.2"], "b@localhost");
    }

    #[test]
    fn management_metrics_and_mqtt_are_the_plugins() {
        assert_eq!(USUAL.plugins(), "[rabbitmq_management,rabbitmq_mqtt,rabbitmq_prometheus].\n");
    }

    fn encryption(clients_show_theirs: bool) -> Encryption {
        let own = CredentialFiles { certificate: "/tls/tls.crt".into(), key: "/tls/tls.key".into() };
        Encryption { authorities: "/tls/ca.crt".into(), own, clients_show_theirs }
    }

    #[test]
    fn an_encrypted_node_takes_nothing_that_is_not() {
        let encryption = encryption(true);
        let kind = Kind { encryption: Some(&encryption), profile: Profile::Usual };
        let text = render(PORTS, None, &Distribution::Alone, kind);
        let own = parse(&text);
        assert_eq!((own["listeners.tcp"], own["listeners.ssl.loopback"]), ("none", "127.0.0.1:1"));
        assert_eq!((own["ssl_options.verify"], own["ssl_options.fail_if_no_peer_cert"]), ("verify_peer", "true"));
        assert_eq!(own["auth_mechanisms.2"], "EXTERNAL");
        assert!(!own.keys().any(|key| key.starts_with("mqtt.") || key.starts_with("listeners.tcp.")), "{text}");
        assert_eq!(kind.plugins(), "[rabbitmq_management,rabbitmq_prometheus,rabbitmq_auth_mechanism_ssl].\n");
    }

    #[test]
    fn without_certificates_of_clients_nobody_logs_in_by_one() {
        let encryption = encryption(false);
        let kind = Kind { encryption: Some(&encryption), profile: Profile::AmazonMq };
        let text = render(PORTS, None, &Distribution::Alone, kind);
        assert!(!text.contains("EXTERNAL") && text.contains("default_queue_type = quorum"), "{text}");
        assert_eq!(kind.plugins(), "[rabbitmq_management,rabbitmq_prometheus].\n");
    }
}

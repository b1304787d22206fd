//! A private node's `rabbitmq.conf`: the shared one of `infra/rabbitmq`, with the node's own addresses and definitions.

use std::path::Path;

use crate::distribution::Distribution;
use crate::node::ADMINISTRATOR;
use crate::ports::Ports;

/// The configuration that Compose mounts and the private node starts from.
const SHARED: &str = include_str!("../../rabbitmq/rabbitmq.conf");

/// The plugins of every node.
pub(crate) const ENABLED_PLUGINS: &str = include_str!("../../rabbitmq/enabled_plugins");

/// The text of the node's own `rabbitmq.conf`. Without definitions the node makes the administrator itself.
pub(crate) fn render(ports: Ports, definitions: Option<&Path>, distribution: &Distribution) -> String {
    // Where definitions are imported, RabbitMQ makes no default user: the file has to bring the administrator.
    let kept = SHARED.lines().filter(|line| !line.starts_with("definitions.") && !line.starts_with('#'));
    let mut lines: Vec<String> = kept.filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
    let Ports { amqp, management, metrics, mqtt, .. } = ports;
    lines.extend([
        format!("listeners.tcp.loopback = 127.0.0.1:{amqp}"),
        "management.tcp.ip = 127.0.0.1".to_owned(),
        format!("management.tcp.port = {management}"),
        "prometheus.tcp.ip = 127.0.0.1".to_owned(),
        format!("prometheus.tcp.port = {metrics}"),
        format!("mqtt.listeners.tcp.loopback = 127.0.0.1:{mqtt}"),
    ]);
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

    use super::{ENABLED_PLUGINS, SHARED, render};
    use crate::distribution::Distribution;
    use crate::ports::Ports;

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
        let text = render(PORTS, None, &Distribution::Alone);
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
        let text = render(PORTS, Some(Path::new("/some/where.json")), &Distribution::Alone);
        let own = parse(&text);
        assert_eq!(own["definitions.local.path"], "/some/where.json");
        assert!(!own.contains_key("default_user"));
    }

    #[test]
    fn a_node_of_a_cluster_names_those_it_looks_for() {
        let known = vec!["a@localhost".to_owned(), "b@localhost".to_owned()];
        let text = render(PORTS, None, &Distribution::Cluster { mapper: 5, known });
        let own = parse(&text);
        assert_eq!(own["cluster_formation.peer_discovery_backend"], "classic_config");
        assert_eq!(own["cluster_formation.classic_config.nodes.2"], "b@localhost");
    }

    #[test]
    fn management_metrics_and_mqtt_are_the_plugins() {
        let plugins: Vec<&str> =
            ENABLED_PLUGINS.trim().trim_start_matches('[').trim_end_matches("].").split(',').map(str::trim).collect();
        assert_eq!(plugins, ["rabbitmq_management", "rabbitmq_mqtt", "rabbitmq_prometheus"]);
    }
}

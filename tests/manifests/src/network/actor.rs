//! Who there is on the network: the shop's pods, and strangers of every sort.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::Value;

use crate::document::{kind, name, pod_template};

/// Somebody who sends or gets packets.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Its name.
    pub name: String,
    /// The namespace of a pod; empty for who is outside of the cluster.
    pub namespace: String,
    pub(crate) namespace_labels: BTreeMap<String, String>,
    pub(crate) labels: BTreeMap<String, String>,
    /// The addresses that it may have.
    pub(crate) addresses: Vec<Ipv4Addr>,
}

impl Actor {
    /// Whether it is outside of the cluster.
    #[must_use]
    pub fn is_outside(&self) -> bool {
        self.namespace.is_empty()
    }
}

/// The pods' addresses are not known: they may be of any private network.
const OF_PODS: [Ipv4Addr; 3] =
    [Ipv4Addr::new(10, 244, 1, 5), Ipv4Addr::new(172, 20, 1, 5), Ipv4Addr::new(192, 168, 1, 5)];

/// Everybody of these documents, and strangers.
#[must_use]
pub fn actors(documents: &[Value]) -> Vec<Actor> {
    let mut found: Vec<Actor> = documents.iter().filter_map(of_document).collect();
    found.extend([
        // Whoever else is started in the namespace.
        pod("stray", "shop", &[], &[]),
        pod("stray-client", "shop", &[], &[("shop/database", "postgres")]),
        pod("dns", "kube-system", &[], &[("k8s-app", "kube-dns")]),
        pod("kube-system", "kube-system", &[], &[]),
        pod("monitoring", "monitoring", &[], &[]),
        pod("rabbitmq-system", "rabbitmq-system", &[], &[]),
        pod("keda", "keda", &[], &[]),
        pod("ingress", "ingress", &[("shop/ingress", "true")], &[]),
        pod("elsewhere", "elsewhere", &[], &[]),
        // Who has the labels of ours, in a namespace of its own.
        pod("impostor", "elsewhere", &[], &[("app.kubernetes.io/component", "module"), ("shop/database", "postgres")]),
        pod("false-broker", "elsewhere", &[], &[("app.kubernetes.io/component", "rabbitmq")]),
        pod("false-database", "elsewhere", &[], &[("app.kubernetes.io/component", "database")]),
        pod("false-dns", "elsewhere", &[], &[("k8s-app", "kube-dns")]),
        outside("private-network", &[Ipv4Addr::new(10, 0, 3, 7)]),
        // Where `infra/aws` puts a broker, and beside it.
        outside("network-of-the-broker", &[Ipv4Addr::new(10, 20, 49, 7)]),
        outside("beside-the-broker", &[Ipv4Addr::new(10, 20, 52, 7)]),
        outside("internet", &[Ipv4Addr::new(203, 0, 113, 10)]),
    ]);
    found
}

fn of_document(document: &Value) -> Option<Actor> {
    if kind(document) == "RabbitmqCluster" {
        let name = name(document);
        // What the cluster operator puts on its pods.
        let of_operator = [
            ("app.kubernetes.io/name", name),
            ("app.kubernetes.io/component", "rabbitmq"),
            ("app.kubernetes.io/part-of", "rabbitmq"),
        ];
        return Some(pod(name, "shop", &[], &of_operator));
    }
    let template = pod_template(document)?;
    let labels = template.pointer("/metadata/labels").and_then(Value::as_object);
    let labels: Vec<(&str, &str)> =
        labels.into_iter().flatten().map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default())).collect();
    Some(pod(name(document), "shop", &[], &labels))
}

fn pod(name: &str, namespace: &str, of_namespace: &[(&str, &str)], labels: &[(&str, &str)]) -> Actor {
    let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let mut namespace_labels: BTreeMap<String, String> = map(of_namespace);
    namespace_labels.insert("kubernetes.io/metadata.name".to_owned(), namespace.to_owned());
    Actor {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        namespace_labels,
        labels: map(labels),
        addresses: OF_PODS.to_vec(),
    }
}

fn outside(name: &str, addresses: &[Ipv4Addr]) -> Actor {
    Actor {
        name: name.to_owned(),
        namespace: String::new(),
        namespace_labels: BTreeMap::new(),
        labels: BTreeMap::new(),
        addresses: addresses.to_vec(),
    }
}

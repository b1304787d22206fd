//! A manifest that is wrong is found: every line of those that matter is taken away once, and something has to turn red.

use std::collections::BTreeSet;

use manifests::document::{kind, name, text, title};
use manifests::{Rendering, network, policy, validate};
use serde_json::{Value, json};

use crate::renderings::overlay;

/// An overlay without what the topology operator makes, which is compared as a whole elsewhere.
fn subject(name: &str) -> Rendering {
    let mut rendering = overlay(name);
    let many = ["Queue", "Exchange", "Binding", "TopicPermission"];
    rendering.documents.retain(|document| !many.contains(&kind(document)));
    assert_eq!(policy::faults(&rendering), Vec::<String>::new());
    rendering
}

/// The path of everything within a value.
fn paths(value: &Value, path: &str, found: &mut Vec<String>) {
    let mut below = |key: &str, value: &Value| {
        let path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
        paths(value, &path, found);
        found.push(path);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| below(key, value)),
        Value::Array(values) => values.iter().enumerate().for_each(|(place, value)| below(&place.to_string(), value)),
        _ => {}
    }
}

fn without(value: &Value, path: &str) -> Value {
    let mut value = value.clone();
    let (parent, key) = path.rsplit_once('/').expect("a path");
    match value.pointer_mut(parent).expect("it was found there") {
        Value::Object(fields) => drop(fields.remove(&key.replace("~1", "/").replace("~0", "~"))),
        Value::Array(values) => drop(values.remove(key.parse().expect("a place"))),
        _ => unreachable!("nothing is within a scalar"),
    }
    value
}

/// Takes away each part of the documents of a kind, one at a time; returns what nobody noticed.
pub(crate) fn survivors(
    rendering: &Rendering,
    wanted: impl Fn(&Value) -> bool,
    holds: fn(&Rendering) -> bool,
) -> BTreeSet<String> {
    let mut candidates = Vec::new();
    for (place, document) in rendering.documents.iter().enumerate().filter(|(_, document)| wanted(document)) {
        let mut all = Vec::new();
        paths(document, "", &mut all);
        for path in all.iter().filter(|path| path.starts_with("/spec/") || path.starts_with("/metadata/labels/")) {
            let mut changed = rendering.clone();
            changed.documents[place] = without(document, path);
            if holds(&changed) {
                candidates.push((format!("{}: {path}", title(document)), changed.documents.swap_remove(place)));
            }
        }
    }
    // What the rules let pass the schema may refuse. Its messages begin with kind and name, so the name says which one it is.
    for (place, (_, document)) in candidates.iter_mut().enumerate() {
        document["metadata"]["name"] = format!("candidate-{place}").into();
    }
    let refused = validate(candidates.iter().map(|(_, document)| document)).expect("the validator runs");
    let is_refused = |place: usize| refused.iter().any(|line| line.contains(&format!(" candidate-{place}: ")));
    candidates.into_iter().enumerate().filter(|(place, _)| !is_refused(*place)).map(|(_, (what, _))| what).collect()
}

fn removed(rendering: &Rendering, wanted: &str) -> Vec<(String, Rendering)> {
    let places = rendering.documents.iter().enumerate().filter(|(_, document)| kind(document) == wanted);
    let one = |(place, document): (usize, &Value)| {
        let mut changed = rendering.clone();
        changed.documents.remove(place);
        (title(document), changed)
    };
    places.map(one).collect()
}

/// The overlays with network policies: what the modules call the broker, and how many policies there are.
const GRAPHS: [(&str, &str, usize); 3] =
    [("local", "rabbitmq", 11), ("production", "rabbitmq", 11), ("eks", "network-of-the-broker", 8)];

#[test]
fn no_module_reaches_another_one() {
    for (overlay, broker, _) in GRAPHS {
        let rendering = subject(overlay);
        let actors = network::actors(&rendering.documents);
        let edges = network::reach(&rendering.documents, &actors, network::Sides::Both).unwrap();
        let module = |name: &String| manifests::project::MODULES.contains(&name.as_str());
        let between: Vec<String> =
            edges.iter().filter(|edge| module(&edge.from) && module(&edge.to)).map(ToString::to_string).collect();
        assert_eq!(between, Vec::<String>::new());
        for module in manifests::project::MODULES {
            let to: BTreeSet<&str> =
                edges.iter().filter(|edge| edge.from == module).map(|edge| edge.to.as_str()).collect();
            let runs = rendering.modules().contains(&module);
            assert_eq!(to.contains(broker) && to.contains("dns"), runs, "{module} reaches {to:?}");
            assert!(to.len() <= 4, "{module} reaches {to:?}");
        }
    }
}

#[test]
fn without_any_one_network_policy_the_graph_is_another_one() {
    for (name, _, policies) in GRAPHS {
        let removed = removed(&subject(name), "NetworkPolicy");
        assert_eq!(removed.len(), policies, "{name}");
        for (policy, rendering) in removed {
            assert!(!network::faults(&rendering).is_empty(), "{name} is the same without {policy}");
        }
    }
}

#[test]
fn without_any_one_line_of_a_network_policy_the_graph_is_another_one() {
    for (name, broker, _) in GRAPHS {
        let found = survivors(
            &subject(name),
            |one| kind(one) == "NetworkPolicy",
            |changed| network::faults(changed).is_empty(),
        );
        // TCP is what is meant without a word, and so are all pods. Of a policy with rules on one side only the other side is closed
        // already: by `nothing-by-default`, which loses nothing unnoticed but that it means all.
        let equal = |path: &&String| {
            let of_default = path.contains("nothing-by-default");
            (path.ends_with("/protocol") || path.contains("/spec/policyTypes")) && !of_default
                || of_default && path.ends_with("/spec/podSelector")
        };
        // Where the broker is not in the cluster, nobody is one of its nodes.
        let of_nodes = "NetworkPolicy names-from-dns: /spec/podSelector/matchExpressions/0/values/1";
        let idle = |path: &&String| broker != "rabbitmq" && *path == of_nodes;
        let meant: Vec<&String> = found.iter().filter(|path| !equal(path) && !idle(path)).collect();
        assert!(meant.is_empty(), "{name}: nobody notices that these are missing: {meant:#?}");
    }
}

#[test]
fn without_any_one_line_of_a_module_something_turns_red() {
    let production = subject("production");
    let mut found = BTreeSet::new();
    // The others are these once more: what every module has comes from one file.
    for module in ["notifications", "orders", "storefront"] {
        let one = |document: &Value| kind(document) == "Deployment" && name(document) == module;
        found.extend(survivors(&production, one, policy::holds));
    }
    // Kubernetes' own default is the same.
    let equal = ["/imagePullPolicy", "/livenessProbe/periodSeconds", "/volumeMounts/0/readOnly"];
    let meant: Vec<&String> = found.iter().filter(|path| !equal.iter().any(|end| path.ends_with(end))).collect();
    assert!(meant.is_empty(), "nobody notices that these are missing: {meant:#?}");
}

#[test]
fn without_any_one_line_of_what_stands_around_the_modules_something_turns_red() {
    let rendering = subject("production");
    let operators = ["ScaledObject", "TriggerAuthentication", "RabbitmqCluster", "Certificate", "Issuer"];
    for wanted in operators.into_iter().chain(["PodDisruptionBudget", "Namespace", "Service"]) {
        let found = survivors(&rendering, |one| kind(one) == wanted, policy::holds);
        let free = [
            // A pace, and no promise.
            "/spec/pollingInterval",
            "/spec/fallback/failureThreshold",
            "/spec/fallback/replicas",
            "/spec/triggers/0/metadata/vhostName",
        ];
        let meant: Vec<&String> = found.iter().filter(|path| !free.iter().any(|end| path.ends_with(end))).collect();
        assert!(meant.is_empty(), "nobody notices that these are missing: {meant:#?}");
        let whole = removed(&rendering, wanted);
        assert!(!whole.is_empty(), "production has a {wanted}");
        for (what, rendering) in whole {
            assert!(!policy::holds(&rendering), "nobody misses {what}");
        }
    }
}

/// A change at a path of a document, and what it is meant to do.
fn holds_with(rendering: &Rendering, kind: &str, name: &str, path: &str, value: Value) -> bool {
    let mut rendering = rendering.clone();
    let document = rendering.documents.iter_mut().find(|one| title(one) == format!("{kind} {name}"));
    let document = document.unwrap_or_else(|| panic!("no {kind} {name}"));
    *document.pointer_mut(path).unwrap_or_else(|| panic!("{kind} {name} has no {path}")) = value;
    policy::holds(&rendering)
}

#[test]
fn a_value_that_is_wrong_is_found() {
    let production = subject("production");
    for (kind, name, path, value) in [
        ("Deployment", "orders", "/spec/template/spec/containers/0/livenessProbe/httpGet/path", json!("/readyz")),
        ("Deployment", "orders", "/spec/template/spec/containers/0/image", json!("garenne/orders:latest")),
        ("Deployment", "orders", "/spec/template/spec/containers/0/image", json!("garenne/payments:0.1.0")),
        ("Deployment", "orders", "/spec/template/spec/serviceAccountName", json!("payments")),
        ("Deployment", "orders", "/spec/template/spec/terminationGracePeriodSeconds", json!(44)),
        ("Deployment", "storefront", "/spec/template/spec/terminationGracePeriodSeconds", json!(49)),
        ("Deployment", "orders", "/spec/template/spec/securityContext/runAsUser", json!(0)),
        ("Deployment", "orders", "/spec/template/spec/containers/0/resources/limits/memory", json!("64Mi")),
        ("Deployment", "orders", "/spec/template/metadata/labels/app.kubernetes.io~1name", json!("storefront")),
        ("Deployment", "orders", "/spec/strategy/rollingUpdate/maxUnavailable", json!(1)),
        ("Deployment", "shoppers", "/spec/replicas", json!(1)),
        ("ServiceAccount", "orders", "/automountServiceAccountToken", json!(true)),
        ("ScaledObject", "analytics", "/spec/minReplicaCount", json!(0)),
        ("ScaledObject", "payments", "/spec/minReplicaCount", json!(0)),
        ("ScaledObject", "notifications", "/spec/minReplicaCount", json!(1)),
        ("ScaledObject", "payments", "/spec/triggers/0/metadata/queueName", json!("payments.orders.order-placed")),
        ("ScaledObject", "payments", "/spec/triggers/0/metadata/protocol", json!("amqp")),
        ("User", "keda", "/spec/tags", json!(["administrator"])),
        ("User", "keda", "/spec/importCredentialsSecret/name", json!("orders-broker")),
        ("Permission", "keda", "/spec/permissions/read", json!(".*")),
        ("Permission", "keda", "/spec/user", json!("orders")),
        ("PodDisruptionBudget", "orders", "/spec/unhealthyPodEvictionPolicy", json!("IfHealthyBudget")),
        ("ConfigMap", "broker", "/data/scheme", json!("amqp")),
        ("RabbitmqCluster", "rabbitmq", "/spec/replicas", json!(1)),
        ("RabbitmqCluster", "rabbitmq", "/spec/terminationGracePeriodSeconds", json!(30)),
        ("RabbitmqCluster", "rabbitmq", "/spec/resources/limits/memory", json!("8Gi")),
        ("RabbitmqCluster", "rabbitmq", "/spec/rabbitmq/additionalPlugins", json!(["rabbitmq_stomp"])),
        ("RabbitmqCluster", "rabbitmq", "/spec/tls/disableNonTLSListeners", json!(false)),
        ("RabbitmqCluster", "rabbitmq", "/spec/tls/secretName", json!("shop-ca")),
        ("Certificate", "rabbitmq", "/spec/dnsNames/0", json!("broker.shop.svc")),
        ("Certificate", "rabbitmq", "/spec/renewBefore", json!("24h")),
        ("Certificate", "rabbitmq", "/spec/issuerRef/name", json!("self-signed")),
        ("Certificate", "shop-ca", "/spec/isCA", json!(false)),
        ("Certificate", "shop-ca", "/spec/issuerRef/name", json!("shop-ca")),
        ("ConfigMap", "broker", "/data/address", json!("rabbitmq.shop.svc.cluster.local:5671")),
        ("RabbitmqCluster", "rabbitmq", "/spec/image", json!("rabbitmq:4-management")),
        ("PodMonitor", "rabbitmq", "/spec/podMetricsEndpoints/0/port", json!("prometheus")),
        ("PodMonitor", "rabbitmq", "/spec/podMetricsEndpoints/1/params/family", json!(["queue_metrics"])),
        ("PrometheusRule", "shop", "/spec/groups/0/rules/0/expr", json!("garenne_published > 0")),
        ("NetworkPolicy", "modules-to-broker", "/spec/egress/0/ports/0/port", json!(5672)),
        ("NetworkPolicy", "storefront-from-ingress", "/spec/podSelector", json!({})),
    ] {
        assert!(
            !holds_with(&production, kind, name, path, value),
            "nobody minds that of {kind} {name} {path} is another"
        );
    }
}

#[test]
fn a_broker_that_is_told_something_else_than_the_one_that_is_tested_is_found() {
    let production = subject("production");
    let path = "/spec/rabbitmq/additionalConfig";
    let cluster = production.documents.iter().find(|one| kind(one) == "RabbitmqCluster").expect("a broker");
    let lines: Vec<&str> = text(cluster, path).lines().collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    let holds = |text: String| holds_with(&production, "RabbitmqCluster", "rabbitmq", path, json!(text));
    for line in &lines {
        let rest: Vec<&str> = lines.iter().filter(|one| one != &line).copied().collect();
        assert!(!holds(rest.join("\n")), "nobody misses {line}");
        assert!(!holds(lines.join("\n").replace(line, &format!("{line}1"))), "nobody minds another value of {line}");
    }
    assert!(!holds([&lines[..], &["mqtt.retained_message_store = ets"]].concat().join("\n")));
    assert!(holds(lines.join("\n")));
}

#[test]
fn what_podman_or_cargo_xtask_pods_would_not_understand_is_found() {
    let overlay = subject("podman");
    let container = "/spec/template/spec/containers/0";
    for (kind, name, path, value) in [
        ("Deployment", "orders", format!("{container}/image"), json!("localhost/payments:dev")),
        ("Deployment", "orders", format!("{container}/image"), json!("localhost/orders:0.1.0")),
        ("Pod", "postgres", "/spec/containers/0/image".to_owned(), json!("localhost/database:dev")),
        ("Pod", "rabbitmq", "/metadata/name".to_owned(), json!("broker")),
        ("Pod", "postgres", "/spec/volumes/1/name".to_owned(), json!("rabbitmq-data")),
        ("Deployment", "orders", format!("{container}/ports"), json!([{ "containerPort": 9464 }])),
    ] {
        let mut overlay = overlay.clone();
        let document = overlay.documents.iter_mut().find(|one| title(one) == format!("{kind} {name}")).unwrap();
        let (parent, key) = path.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap()[key] = value;
        assert!(!policy::holds(&overlay), "nobody minds that of {kind} {name} {path} is another");
    }
}

#[test]
fn a_service_that_makes_a_module_callable_is_found() {
    let mut rendering = subject("production");
    let service = |selector: Value| {
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": { "name": "orders", "namespace": "shop" },
            "spec": { "selector": selector, "ports": [{ "port": 80 }] },
        })
    };
    let selectors =
        [json!({ "app.kubernetes.io/name": "orders" }), json!({ "app.kubernetes.io/component": "module" }), json!({})];
    for selector in selectors {
        rendering.documents.push(service(selector));
        assert!(!policy::holds(&rendering));
        rendering.documents.pop();
    }
}

#[test]
fn a_password_in_the_repository_is_found() {
    let mut rendering = subject("production");
    let metadata = json!({ "name": "orders-broker", "namespace": "shop" });
    let data = json!({ "username": "b3JkZXJz", "password": "b3JkZXJz" });
    rendering.documents.push(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data }));
    assert!(!policy::holds(&rendering));
}

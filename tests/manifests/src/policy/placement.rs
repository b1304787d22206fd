//! Where replicas are, and how many may be away.

use serde_json::{Value, json};

use super::ON_A_DESK;
use crate::definitions::{consumers, definitions};
use crate::document::{find, is_module, list, name, number, title};
use crate::render::Rendering;

pub(super) fn faults(rendering: &Rendering) -> Vec<String> {
    let mut found = Vec::new();
    let scaled = rendering.has("keda") || rendering.has("hpa");
    let consumers = consumers(definitions());
    for module in rendering.documents.iter().filter(|document| is_module(document)) {
        let name = name(module);
        found.extend(spread(module).into_iter().map(|fault| format!("{}: {fault}", title(module))));
        // Whoever says how many there are must not be contradicted by each `kubectl apply`.
        let replicas = number(module, "/spec/replicas");
        let autoscaled = scaled && consumers.contains(&name);
        // More of them would be more customers, and a shop that has its own needs none.
        let customers = i64::from(!rendering.is_overlay || ON_A_DESK.contains(&rendering.title.as_str()));
        let wanted = if name == "shoppers" { customers..=customers } else { 2..=20 };
        if autoscaled != replicas.is_none() || replicas.is_some_and(|replicas| !wanted.contains(&replicas)) {
            found.push(format!("{}: replicas are {replicas:?}", title(module)));
        }
        if rendering.has("pdb") {
            let selector = json!({ "matchLabels": { "app.kubernetes.io/name": name } });
            let wanted =
                json!({ "maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow", "selector": selector });
            let is = find(&rendering.documents, "PodDisruptionBudget", name).map(|budget| &budget["spec"]);
            if is != Some(&wanted) {
                found.push(format!("{}: its disruption budget is {is:?}", title(module)));
            }
        }
    }
    // A broker's node that is not ready is the last that should be drained.
    let selector = json!({ "matchLabels": { "app.kubernetes.io/name": "rabbitmq" } });
    let wanted = json!({ "maxUnavailable": 1, "selector": selector });
    if rendering.has("broker-cluster")
        && find(&rendering.documents, "PodDisruptionBudget", "rabbitmq").is_none_or(|budget| budget["spec"] != wanted)
    {
        found.push("the broker may be drained before it is well".to_owned());
    }
    found
}

fn spread(module: &Value) -> Vec<String> {
    let constraints = list(module, "/spec/template/spec/topologySpreadConstraints");
    let labels = module.pointer("/spec/template/metadata/labels").cloned().unwrap_or_default();
    let mut found = Vec::new();
    for key in ["kubernetes.io/hostname", "topology.kubernetes.io/zone"] {
        let wanted = json!({
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": { "matchLabels": { "app.kubernetes.io/component": "module" } },
            // The replicas of this module and of this edition of it.
            "matchLabelKeys": ["app.kubernetes.io/name", "pod-template-hash"],
        });
        if !constraints.contains(&wanted) {
            found.push(format!("its replicas are not spread by {key}"));
        }
    }
    let name = name(module);
    for (label, value) in [("name", name), ("component", "module"), ("part-of", "shop")] {
        if labels[format!("app.kubernetes.io/{label}")] != value {
            found.push(format!("its pods have no label {label}: {value}"));
        }
    }
    if module["metadata"]["labels"]["app.kubernetes.io/name"] != name {
        found.push("it is not found by its name".to_owned());
    }
    if module["spec"]["selector"] != json!({ "matchLabels": { "app.kubernetes.io/name": name } }) {
        found.push("it selects other pods than its own".to_owned());
    }
    found
}

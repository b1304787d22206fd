//! What scales by queues scales by the queues that there are.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::definitions::{consumers, definitions, events, has_one_consumer, request_queues, work_queues};
use crate::document::{find, list, name, number, of_kind, text, title};
use crate::render::Rendering;

pub(super) fn faults(rendering: &Rendering) -> Vec<String> {
    let documents = &rendering.documents;
    let definitions = definitions();
    let mut found = Vec::new();
    for (component, kind) in [("keda", "ScaledObject"), ("hpa", "HorizontalPodAutoscaler")] {
        let scaled: Vec<&str> =
            of_kind(documents, kind).map(|object| text(object, "/spec/scaleTargetRef/name")).collect();
        let mut wanted = if rendering.has(component) { consumers(definitions) } else { Vec::new() };
        wanted.retain(|module| rendering.modules().contains(module));
        if scaled != wanted {
            found.push(format!("{kind}s are for {scaled:?}, which should be {wanted:?}"));
        }
    }
    for object in of_kind(documents, "ScaledObject") {
        let module = find(documents, "Deployment", name(object));
        let keeps = module.map_or("", |module| text(module, "/spec/template/metadata/labels/shop~1database"));
        let faults = of_keda(object, !keeps.is_empty(), definitions);
        found.extend(faults.into_iter().map(|fault| format!("{}: {fault}", title(object))));
    }
    for scaler in of_kind(documents, "HorizontalPodAutoscaler") {
        let queues: Vec<&str> = list(scaler, "/spec/metrics")
            .iter()
            .map(|metric| text(metric, "/external/metric/selector/matchLabels/queue"))
            .collect();
        found.extend(queues_of(scaler, &queues, definitions));
        if number(scaler, "/spec/minReplicas") != Some(1) {
            found.push(format!("{}: below one there is nobody whose metrics are looked at", title(scaler)));
        }
        if queues.iter().any(|queue| queue.len() > 63) {
            found.push(format!("{}: the name of a queue is too long for a label", title(scaler)));
        }
    }
    if rendering.has("keda") {
        let keys: BTreeSet<&str> = find(documents, "TriggerAuthentication", "rabbitmq")
            .map(|one| list(one, "/spec/secretTargetRef").iter().map(|key| text(key, "/parameter")).collect())
            .unwrap_or_default();
        let mut wanted = BTreeSet::from(["host", "password", "username"]);
        if rendering.has("tls") {
            wanted.extend(["tls", "ca"]);
        }
        if keys != wanted {
            found.push(format!("KEDA is told {keys:?} of the broker, which should be {wanted:?}"));
        }
        if rendering.is_overlay {
            found.extend(user(documents));
        }
    }
    found
}

/// Whoever asks for the queues sees them, and touches nothing.
fn user(documents: &[Value]) -> Vec<String> {
    let spec = |kind| find(documents, kind, "keda").map_or(&Value::Null, |one| &one["spec"]);
    let (user, right) = (spec("User"), spec("Permission"));
    let nothing = json!({ "configure": "^$", "write": "^$", "read": "^$" });
    let sees = user["tags"] == json!(["monitoring"]) && text(user, "/importCredentialsSecret/name") == "keda-broker";
    let bound = (&right["vhost"], &right["user"], &right["permissions"]) == (&json!("/"), &json!("keda"), &nothing);
    if sees && bound { Vec::new() } else { vec![format!("KEDA is the user {user} with the rights {right}")] }
}

fn of_keda(object: &Value, keeps: bool, definitions: &Value) -> Vec<String> {
    let module = name(object);
    let triggers = list(object, "/spec/triggers");
    let queues: Vec<&str> = triggers.iter().map(|trigger| text(trigger, "/metadata/queueName")).collect();
    let mut found = queues_of(object, &queues, definitions);
    for trigger in triggers {
        let wanted = json!({
            "type": "rabbitmq",
            // Over AMQP, what the last replica holds is not seen, and it would be stopped with it.
            "metadata": {
                "protocol": "http", "vhostName": "/", "mode": "QueueLength", "value": "20",
                "queueName": text(trigger, "/metadata/queueName"),
            },
            "authenticationRef": { "name": "rabbitmq" },
        });
        if *trigger != wanted {
            found.push(format!("a trigger is {trigger}, not {wanted}"));
        }
    }
    // Who waits for a reply has no patience for a pod that has to start. And what was committed while the broker took nothing is
    // published by a replica, which no message in a queue would call.
    let answers = !request_queues(definitions, module).is_empty();
    let has_outbox = keeps && !events(definitions, module).is_empty();
    let least = number(object, "/spec/minReplicaCount");
    if least != Some(i64::from(answers || has_outbox)) {
        found.push(format!(
            "its replicas begin at {least:?}; it answers requests: {answers}; it publishes what it committed: {has_outbox}"
        ));
    }
    if object.pointer("/spec/fallback").is_none() {
        found.push("nobody says how many there are while the broker cannot be asked".to_owned());
    }
    if number(object, "/spec/maxReplicaCount").is_none_or(|most| !(2..=50).contains(&most)) {
        found.push("it has no bound".to_owned());
    }
    let path = "/spec/advanced/horizontalPodAutoscalerConfig/behavior/scaleDown/stabilizationWindowSeconds";
    if number(object, path).is_none_or(|seconds| seconds < 60)
        || number(object, "/spec/cooldownPeriod").is_none_or(|seconds| seconds < 60)
    {
        found.push("it shrinks before a retry comes back".to_owned());
    }
    found
}

fn queues_of(object: &Value, queues: &[&str], definitions: &Value) -> Vec<String> {
    let wanted: Vec<String> = work_queues(definitions, name(object))
        .into_iter()
        .filter(|queue| !has_one_consumer(definitions, queue))
        .collect();
    let same = queues.iter().copied().eq(wanted.iter().map(String::as_str));
    if same { Vec::new() } else { vec![format!("{}: it counts {queues:?}, which should be {wanted:?}", title(object))] }
}

//! What Amazon MQ has not is not asked of it.

use serde_json::Value;

use crate::document::{find, of_kind, text, title};
use crate::render::Rendering;

pub(super) fn faults(rendering: &Rendering) -> Vec<String> {
    if !rendering.has("amazon-mq") {
        return Vec::new();
    }
    let documents = &rendering.documents;
    let mut found = Vec::new();
    let of_operator = |document: &&Value| text(document, "/apiVersion").starts_with("rabbitmq.com/");
    for resource in documents.iter().filter(of_operator) {
        let reference = &resource["spec"]["rabbitmqClusterReference"];
        if *reference != serde_json::json!({ "connectionSecret": { "name": "amazon-mq" } }) {
            found.push(format!("{}: is for {reference}, and there is no such broker", title(resource)));
        }
    }
    for queue in of_kind(documents, "Queue").filter(|queue| text(queue, "/spec/type") != "quorum") {
        found.push(format!("{}: Amazon MQ has no streams, and loses what is in them", title(queue)));
    }
    let broker = find(documents, "ConfigMap", "broker").map(|broker| text(broker, "/data/scheme"));
    if broker != Some("amqps") {
        found.push(format!("the broker is spoken to by {broker:?}, and takes nothing but amqps"));
    }
    found
}

//! The files below `k8s/` that are generated.

use serde_json::Value;

use crate::{scaling, topology};

/// Each with its text.
///
/// # Panics
/// Never: a value of JSON can be written as YAML.
#[must_use]
pub fn files(definitions: &Value) -> [(&'static str, String); 3] {
    [
        ("k8s/components/keda/scaled-objects.yaml", scaling::scaled_objects(definitions)),
        ("k8s/components/hpa/autoscalers.yaml", scaling::autoscalers(definitions)),
        ("k8s/components/topology-operator/topology.yaml", topology::resources(definitions)),
    ]
    .map(|(path, documents)| (path, stream(&documents)))
}

fn stream(documents: &[Value]) -> String {
    let mut text = "# Generated from infra/rabbitmq/definitions.json by `cargo run -p manifests`.\n".to_owned();
    for (place, document) in documents.iter().enumerate() {
        if place > 0 {
            text.push_str("---\n");
        }
        text.push_str(&serde_saphyr::to_string(document).expect("JSON is YAML"));
    }
    text
}

//! How many replicas there are, by what waits in the queues: generated for KEDA, and for the HPA alone.

use serde_json::{Value, json};

use crate::definitions::{consumers, events, has_one_consumer, request_queues, work_queues};
use crate::sources::own_settings_of;

/// So many messages wait for each replica before there is one more.
const MESSAGES_A_REPLICA: &str = "20";
/// As many as a module may become. Each has connections to the broker and to its database.
const MOST: u32 = 10;
/// Seconds after which a replica too many goes: longer than any step of the ladder's beginning, so that retries find it still there.
const PATIENCE: u32 = 300;

/// A `ScaledObject` for each module that has work in queues: from zero, or from one where callers wait for replies, and
/// where what was committed may still wait to be published, which no queue tells of.
#[must_use]
pub fn scaled_objects(definitions: &Value) -> Vec<Value> {
    let of = |module: &&'static str| {
        let triggers: Vec<Value> = shared_queues(definitions, module)
            .map(|queue| {
                json!({
                    "type": "rabbitmq",
                    // Over AMQP it would see only what no replica holds, and stop the one that holds the last.
                    "metadata": {
                        "protocol": "http", "vhostName": "/", "queueName": queue,
                        "mode": "QueueLength", "value": MESSAGES_A_REPLICA,
                    },
                    "authenticationRef": { "name": "rabbitmq" },
                })
            })
            .collect();
        let answers = !request_queues(definitions, module).is_empty();
        let has_outbox = !events(definitions, module).is_empty() && own_settings_of(module).contains("DATABASE_URL");
        let least = u32::from(answers || has_outbox);
        json!({
            "apiVersion": "keda.sh/v1alpha1",
            "kind": "ScaledObject",
            "metadata": { "name": module, "namespace": "shop" },
            "spec": {
                "scaleTargetRef": { "name": module },
                "pollingInterval": 10,
                "cooldownPeriod": PATIENCE,
                "minReplicaCount": least,
                "maxReplicaCount": MOST,
                // While nobody can be asked how much waits.
                "fallback": { "failureThreshold": 3, "replicas": 2 },
                "advanced": { "horizontalPodAutoscalerConfig": { "behavior": behavior() } },
                "triggers": triggers,
            },
        })
    };
    consumers(definitions).iter().map(of).collect()
}

/// An autoscaler for each module that has work in queues, from one: below Kubernetes 1.37 there is no zero without KEDA.
#[must_use]
pub fn autoscalers(definitions: &Value) -> Vec<Value> {
    let of = |module: &&'static str| {
        let metrics: Vec<Value> = shared_queues(definitions, module)
            .map(|queue| {
                json!({
                    "type": "External",
                    "external": {
                        "metric": {
                            "name": "rabbitmq_detailed_queue_messages_ready",
                            "selector": { "matchLabels": { "queue": queue } },
                        },
                        "target": { "type": "AverageValue", "averageValue": MESSAGES_A_REPLICA },
                    },
                })
            })
            .collect();
        json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": { "name": module, "namespace": "shop" },
            "spec": {
                "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": module },
                "minReplicas": 1,
                "maxReplicas": MOST,
                "behavior": behavior(),
                "metrics": metrics,
            },
        })
    };
    consumers(definitions).iter().map(of).collect()
}

fn behavior() -> Value {
    json!({ "scaleDown": { "stabilizationWindowSeconds": PATIENCE } })
}

fn shared_queues<'a>(definitions: &'a Value, module: &str) -> impl Iterator<Item = String> + 'a {
    work_queues(definitions, module).into_iter().filter(|queue| !has_one_consumer(definitions, queue))
}

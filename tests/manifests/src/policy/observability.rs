//! Alerts and the dashboard speak of metrics that there are.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::document::{find, list, of_kind, text};
use crate::render::Rendering;
use crate::sources::metrics;

/// What the broker is asked for queue by queue: all of it would be much.
pub const FAMILIES: [&str; 2] = ["queue_coarse_metrics", "queue_consumer_count"];
/// The broker's own, of its Prometheus plugin.
pub const OF_BROKER: [&str; 5] = [
    "rabbitmq_alarms_free_disk_space_watermark",
    "rabbitmq_alarms_memory_used_watermark",
    "rabbitmq_detailed_queue_consumers",
    "rabbitmq_detailed_queue_messages",
    "rabbitmq_detailed_queue_messages_ready",
];
/// What has to be watched.
const ALERTS: [&str; 11] = [
    "BrokerAlarm",
    "ConfirmsAreSlow",
    "DeadLettersGrow",
    "LogReaderIsStuck",
    "MessagesWithoutQueue",
    "ModuleIsNotConsuming",
    "NobodyConsumes",
    "NobodyLooksAtTheBroker",
    "OutboxIsOld",
    "QueueIsPaused",
    "RequestsTimeOut",
];

pub(super) fn faults(rendering: &Rendering) -> Vec<String> {
    let documents = &rendering.documents;
    let mut found = Vec::new();
    let known = metrics();
    for expression in expressions(documents) {
        for name in names_in(&expression) {
            if !known.contains(&name) && !OF_BROKER.contains(&name.as_str()) {
                found.push(format!("nothing exports {name}, of which {expression:?} speaks"));
            }
        }
    }
    if !rendering.has("monitoring") {
        return found;
    }
    let alerts: BTreeSet<&str> = of_kind(documents, "PrometheusRule")
        .flat_map(|rule| list(rule, "/spec/groups"))
        .flat_map(|group| list(group, "/rules"))
        .map(|rule| text(rule, "/alert"))
        .collect();
    if alerts != BTreeSet::from(ALERTS) {
        found.push(format!("the alerts are {alerts:?}, which should be {ALERTS:?}"));
    }
    for rule in of_kind(documents, "PrometheusRule")
        .flat_map(|rule| list(rule, "/spec/groups"))
        .flat_map(|group| list(group, "/rules"))
    {
        for path in ["/for", "/labels/severity", "/annotations/summary", "/annotations/description"] {
            if text(rule, path).is_empty() {
                found.push(format!("the alert {} has no {path}", text(rule, "/alert")));
            }
        }
    }
    let scraped = find(documents, "PodMonitor", "modules").is_some_and(|monitor| {
        text(monitor, "/spec/selector/matchLabels/app.kubernetes.io~1component") == "module"
            && list(monitor, "/spec/podMetricsEndpoints")
                .iter()
                .any(|end| text(end, "/port") == "admin" && text(end, "/path") == "/metrics")
    });
    if !scraped {
        found.push("nobody scrapes the modules".to_owned());
    }
    let port = if rendering.has("tls") { "prometheus-tls" } else { "prometheus" };
    let ends = find(documents, "PodMonitor", "rabbitmq").map_or(&[][..], |it| list(it, "/spec/podMetricsEndpoints"));
    let is: Vec<(&str, &Value)> =
        ends.iter().filter(|end| text(end, "/port") == port).map(|end| (text(end, "/path"), &end["params"])).collect();
    let families = json!({ "family": FAMILIES });
    if is != [("/metrics", &Value::Null), ("/metrics/detailed", &families)] && !rendering.has("amazon-mq") {
        found.push(format!("of the broker {is:?} are scraped at {port}"));
    }
    if rendering.has("amazon-mq") && rendering.is_overlay {
        found.extend(of_amazon(documents));
    }
    found
}

/// Outside of the cluster there are no pods: each path of the broker's metrics is scraped by its address.
fn of_amazon(documents: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    let broker = find(documents, "ConfigMap", "broker").map(|broker| text(broker, "/data/address"));
    let host = broker.and_then(|address| address.rsplit_once(':')).map(|(host, _)| host).unwrap_or_default();
    let families = json!({ "family": FAMILIES });
    let user = json!({
        "username": { "name": "keda-broker", "key": "username" },
        "password": { "name": "keda-broker", "key": "password" },
    });
    for (path, params) in [("/metrics", Value::Null), ("/metrics/detailed", families)] {
        let scrape = of_kind(documents, "ScrapeConfig").find(|one| text(one, "/spec/metricsPath") == path);
        let spec = scrape.map_or(&Value::Null, |scrape| &scrape["spec"]);
        let targets: Vec<&str> = list(spec, "/staticConfigs/0/targets").iter().filter_map(Value::as_str).collect();
        let at_broker = |target: &&str| target.rsplit_once(':').is_some_and(|(at, _)| at == host);
        if targets.is_empty() || !targets.iter().all(at_broker) {
            found.push(format!("{path} of the broker {host} is scraped at {targets:?}"));
        }
        if spec["scheme"] != "HTTPS" || spec["params"] != params || spec["basicAuth"] != user {
            found.push(format!("{path} of the broker is asked for as {spec}"));
        }
    }
    found
}

/// Every expression of Prometheus' language in alerts and dashboards.
fn expressions(documents: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    for rule in of_kind(documents, "PrometheusRule") {
        collect(&rule["spec"], &mut found);
    }
    for map in of_kind(documents, "ConfigMap") {
        let files = map.get("data").and_then(Value::as_object).into_iter().flatten();
        for (_, text) in files.filter(|(name, _)| name.ends_with(".json") && !name.starts_with("definitions")) {
            if let Some(dashboard) = text.as_str().and_then(|text| serde_json::from_str(text).ok()) {
                collect(&dashboard, &mut found);
            }
        }
    }
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if key == "expr" => found.push(text.clone()),
                    _ => collect(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

/// The names of metrics in an expression.
fn names_in(expression: &str) -> Vec<String> {
    let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    words.filter(|word| word.starts_with("garenne_") || word.starts_with("rabbitmq_")).map(str::to_owned).collect()
}

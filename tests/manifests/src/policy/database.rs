//! A server in the cluster has a connection for everybody who may come, and gives nobody those of another one.

use serde_json::Value;

use crate::document::{find, is_module, list, name, number, of_kind, pod_template, text};
use crate::render::Rendering;
use crate::sources::connections_of_a_replica;

/// Those that PostgreSQL keeps for administrators.
const RESERVED: i64 = 3;
/// What the server itself holds in memory, and what a connection may, in MiB.
const MEMORY: (i64, i64) = (128, 3);

pub(super) fn faults(rendering: &Rendering) -> Vec<String> {
    let documents: &[Value] = &rendering.documents;
    let Some(server) = find(documents, "StatefulSet", "postgres").and_then(pod_template) else { return Vec::new() };
    let replicas = |module: &Value| {
        let most = |kind: &str, path: &str| find(documents, kind, name(module)).and_then(|one| number(one, path));
        let scaled = most("ScaledObject", "/spec/maxReplicaCount")
            .or_else(|| most("HorizontalPodAutoscaler", "/spec/maxReplicas"));
        let surge = number(module, "/spec/strategy/rollingUpdate/maxSurge").unwrap_or_default();
        // The last one drains while its successor is there already.
        scaled.or_else(|| number(module, "/spec/replicas")).unwrap_or_default() + surge + 1
    };
    let keeps = |module: &&Value| !text(module, "/spec/template/metadata/labels/shop~1database").is_empty();
    let modules: Vec<&Value> = of_kind(documents, "Deployment").filter(|one| is_module(one)).filter(keeps).collect();
    let scripts = of_kind(documents, "ConfigMap").map(|map| text(map, "/data/databases.sh"));
    let limit = scripts.filter_map(|script| script.split_once(" LOGIN CONNECTION LIMIT ")).next();
    let limit = limit.and_then(|(_, rest)| rest.split(' ').next()?.parse::<i64>().ok());
    let Some(limit) = limit else { return vec!["one module may take every connection of PostgreSQL".to_owned()] };
    let mut found = Vec::new();
    for module in &modules {
        let wanted = replicas(module) * connections_of_a_replica();
        if limit < wanted {
            found.push(format!("{} may open {limit} connections, and wants {wanted}", name(module)));
        }
    }
    let wanted = modules.iter().map(|_| limit).sum::<i64>() + RESERVED;
    let container = &server["spec"]["containers"][0];
    let arguments: Vec<&str> = list(container, "/args").iter().filter_map(Value::as_str).collect();
    let most = match arguments[..] {
        ["-c", setting] => setting.strip_prefix("max_connections=").and_then(|number| number.parse::<i64>().ok()),
        _ => None,
    };
    let Some(most) = most else { return vec![format!("PostgreSQL is started with {arguments:?}")] };
    if most < wanted {
        found.push(format!("PostgreSQL takes {most} connections, and {wanted} may come"));
    }
    let memory =
        text(container, "/resources/limits/memory").strip_suffix("Gi").and_then(|gibi| gibi.parse::<i64>().ok());
    if memory.is_none_or(|gibi| gibi * 1024 < MEMORY.0 + MEMORY.1 * most) {
        found.push(format!("a memory limit of {memory:?} GiB is too small for {most} connections"));
    }
    found
}

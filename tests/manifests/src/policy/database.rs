//! A server in the cluster has a connection for everybody who may come.

use serde_json::Value;

use crate::document::{find, is_module, list, number, of_kind, pod_template, text};
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
        let name = text(module, "/metadata/name");
        let most = |kind: &str, path: &str| find(documents, kind, name).and_then(|scaler| number(scaler, path));
        let scaled = most("ScaledObject", "/spec/maxReplicaCount")
            .or_else(|| most("HorizontalPodAutoscaler", "/spec/maxReplicas"));
        let surge = number(module, "/spec/strategy/rollingUpdate/maxSurge").unwrap_or_default();
        scaled.or_else(|| number(module, "/spec/replicas")).unwrap_or_default() + surge
    };
    let keeps = |module: &&Value| !text(module, "/spec/template/metadata/labels/shop~1database").is_empty();
    let modules = of_kind(documents, "Deployment").filter(|one| is_module(one)).filter(keeps);
    let wanted = modules.map(replicas).sum::<i64>() * connections_of_a_replica() + RESERVED;
    let container = &server["spec"]["containers"][0];
    let arguments: Vec<&str> = list(container, "/args").iter().filter_map(Value::as_str).collect();
    let most = match arguments[..] {
        ["-c", setting] => setting.strip_prefix("max_connections=").and_then(|number| number.parse::<i64>().ok()),
        _ => None,
    };
    let Some(most) = most else { return vec![format!("PostgreSQL is started with {arguments:?}")] };
    let mut found = Vec::new();
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

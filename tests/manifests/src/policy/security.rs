//! Pods have no right that they do not need.

use serde_json::{Value, json};

use crate::document::{containers, find, list, name, of_kind, pod_template, text, title};
use crate::render::Rendering;

/// What the standard «restricted» lets a pod mount, without what reaches into the node.
const VOLUMES: [&str; 6] = ["configMap", "secret", "emptyDir", "persistentVolumeClaim", "projected", "downwardAPI"];

pub(super) fn faults(rendering: &Rendering) -> Vec<String> {
    let documents: &[Value] = &rendering.documents;
    let mut found = Vec::new();
    for document in documents {
        if let Some(template) = pod_template(document) {
            let title = title(document);
            found.extend(of_pod(document, template, documents).into_iter().map(|fault| format!("{title}: {fault}")));
        }
        let namespace = text(document, "/metadata/namespace");
        if namespace != "shop" && !["Namespace"].contains(&text(document, "/kind")) && !is_cluster_wide(document) {
            found.push(format!("{}: is in namespace {namespace:?}, not in shop", title(document)));
        }
    }
    for namespace in of_kind(documents, "Namespace") {
        for mode in ["enforce", "audit", "warn"] {
            let label = format!("/metadata/labels/pod-security.kubernetes.io~1{mode}");
            if text(namespace, &label) != "restricted" {
                found.push(format!("namespace {}: pods that are not restricted pass ({mode})", name(namespace)));
            }
        }
    }
    if of_kind(documents, "Namespace").count() != 1 {
        found.push("there is not one namespace".to_owned());
    }
    found
}

fn is_cluster_wide(document: &Value) -> bool {
    ["StorageClass", "PriorityClass", "ClusterRole", "ClusterRoleBinding", "IngressClass", "NodeClass", "NodePool"]
        .contains(&text(document, "/kind"))
}

fn of_pod(document: &Value, template: &Value, documents: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    let mut expect = |path: &str, wanted: Value| {
        let is = template.pointer(path).cloned().unwrap_or_default();
        if is != wanted {
            found.push(format!("{path} is {is}, not {wanted}"));
        }
    };
    let account = name(document);
    expect("/spec/serviceAccountName", json!(account));
    expect("/spec/automountServiceAccountToken", json!(false));
    expect("/spec/enableServiceLinks", json!(false));
    expect("/spec/securityContext/runAsNonRoot", json!(true));
    expect("/spec/securityContext/seccompProfile", json!({ "type": "RuntimeDefault" }));
    for absent in [
        "hostNetwork",
        "hostPID",
        "hostIPC",
        "hostUsers",
        "securityContext/sysctls",
        "securityContext/supplementalGroups",
    ] {
        expect(&format!("/spec/{absent}"), Value::Null);
    }
    for id in ["runAsUser", "runAsGroup"] {
        if template.pointer(&format!("/spec/securityContext/{id}")).and_then(Value::as_u64).is_none_or(|id| id == 0) {
            found.push(format!("{id} is not set, or root"));
        }
    }
    match find(documents, "ServiceAccount", account) {
        None => found.push(format!("there is no service account {account}")),
        Some(account) if account["automountServiceAccountToken"] != false => {
            found.push("its service account gives a token".to_owned());
        }
        Some(_) => {}
    }
    for volume in list(template, "/spec/volumes") {
        let kinds: Vec<&str> = volume
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key.as_str())
            .filter(|key| *key != "name")
            .collect();
        if kinds.len() != 1 || !VOLUMES.contains(&kinds[0]) {
            found.push(format!("it mounts {kinds:?}"));
        }
        if volume.get("emptyDir").is_some_and(|folder| folder.get("sizeLimit").is_none()) {
            found.push(format!("the folder {} has no limit", text(volume, "/name")));
        }
        if volume.get("secret").is_some_and(|secret| text(secret, "/secretName").is_empty()) {
            found.push("it mounts a Secret without a name".to_owned());
        }
        // A Secret with a certificate has its key beside it.
        let secret = text(volume, "/secret/secretName");
        let items: Vec<&str> = list(volume, "/secret/items").iter().map(|item| text(item, "/key")).collect();
        if secret.ends_with("-tls") && items != ["ca.crt"] {
            found.push(format!("it mounts {items:?} of {secret}, which has a key: ca.crt is enough"));
        }
    }
    for container in containers(template) {
        let context = &container["securityContext"];
        let wanted = json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"] },
        });
        if *context != wanted {
            found.push(format!(
                "container {}: its security context is {context}, not {wanted}",
                text(container, "/name")
            ));
        }
        for path in ["/resources/requests/cpu", "/resources/requests/memory", "/resources/limits/memory"] {
            if text(container, path).is_empty() {
                found.push(format!("container {}: {path} is missing", text(container, "/name")));
            }
        }
    }
    found
}

//! What `podman kube play` of Debian 12 understands: a part of Kubernetes, and not everything in it works there.

use serde_json::Value;

use crate::document::{containers, kind, list, pod_template, text, title};
use crate::render::Rendering;

pub(super) fn faults(rendering: &Rendering) -> Vec<String> {
    let documents: &[Value] = &rendering.documents;
    let mut found = Vec::new();
    for document in documents.iter().filter(|document| kind(document) == "Secret") {
        found.push(format!("{}: podman 4.3 reads no Secret that kustomize writes", title(document)));
    }
    for document in documents {
        let Some(template) = pod_template(document) else { continue };
        let mut fault = |words: &str| found.push(format!("{}: {words}", title(document)));
        if !["Deployment", "Pod"].contains(&kind(document)) {
            fault("podman passes it over");
        }
        for container in containers(template) {
            if !list(container, "/ports").is_empty() {
                fault("a port is published on the host, so a second replica does not start");
            }
            if container.get("livenessProbe").is_some() {
                fault("podman looks with a shell or curl, which the image has not");
            }
            if text(container, "/imagePullPolicy") != "Never" || !text(container, "/image").starts_with("localhost/") {
                fault("its image is built on the spot and nowhere else");
            }
            for variable in list(container, "/env") {
                let field = text(variable, "/valueFrom/fieldRef/fieldPath");
                if variable.pointer("/valueFrom/secretKeyRef").is_some()
                    || text(variable, "/value").contains("$(")
                    || !["", "metadata.name", "metadata.uid"].contains(&field)
                {
                    fault(&format!("podman cannot fill in {}", text(variable, "/name")));
                }
            }
        }
        for volume in list(template, "/spec/volumes") {
            if ["projected", "downwardAPI", "secret", "csi"].iter().any(|kind| volume.get(kind).is_some()) {
                fault(&format!("podman cannot mount {}", text(volume, "/name")));
            }
        }
    }
    found
}

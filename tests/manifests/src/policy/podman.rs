//! What `podman kube play` of Debian 12 understands: a part of Kubernetes, and not everything in it works there.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document::{containers, find, kind, list, name, pod_template, text, title};
use crate::render::Rendering;

pub(super) fn faults(rendering: &Rendering) -> Vec<String> {
    let documents: &[Value] = &rendering.documents;
    let mut found = Vec::new();
    let mut folders = BTreeMap::<&str, Vec<String>>::new();
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
            if text(container, "/imagePullPolicy") != "Never"
                || text(container, "/image") != format!("localhost/{}:dev", name(document))
            {
                fault("`cargo xtask pods` builds its image under its own name and nowhere else");
            }
            for variable in list(container, "/env") {
                let field = text(variable, "/valueFrom/fieldRef/fieldPath");
                if variable.pointer("/valueFrom/secretKeyRef").is_some()
                    || text(variable, "/value").contains("$(")
                    || !["", "metadata.name", "metadata.uid"].contains(&field)
                {
                    fault(&format!("podman cannot fill in {}", text(variable, "/name")));
                }
                if let Some(host) = host(text(variable, "/value"))
                    && find(documents, "Pod", host).is_none()
                {
                    fault(&format!("{}: only pods have names, and none is called {host}", text(variable, "/name")));
                }
            }
        }
        for volume in list(template, "/spec/volumes") {
            if ["projected", "downwardAPI", "secret", "csi"].iter().any(|kind| volume.get(kind).is_some()) {
                fault(&format!("podman cannot mount {}", text(volume, "/name")));
            }
            if volume.get("emptyDir").is_some() {
                folders.entry(text(volume, "/name")).or_default().push(title(document));
            }
        }
    }
    for (volume, owners) in folders.into_iter().filter(|(_, owners)| owners.len() > 1) {
        found.push(format!("{}: podman gives all of them the same {volume}", owners.join(" and ")));
    }
    found
}

/// The host of a value that is a URL of a server.
fn host(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    let (_, address) = rest.split_once('@')?;
    address.split([':', '/']).next()
}

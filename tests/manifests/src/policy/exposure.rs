//! Who may be called by name, what runs, and what is secret.

use serde_json::json;

use super::{ON_A_DESK, PODMAN};
use crate::document::{containers, find, is_module, list, name, of_kind, pod_template, text, title};
use crate::project::MODULES;
use crate::render::Rendering;

pub(super) fn faults(rendering: &Rendering) -> Vec<String> {
    let documents = &rendering.documents;
    let mut found = Vec::new();
    for service in of_kind(documents, "Service") {
        let selector = service.pointer("/spec/selector").cloned().unwrap_or_default();
        for module in documents.iter().filter(|document| is_module(document)) {
            let labels = module.pointer("/spec/template/metadata/labels").cloned().unwrap_or_default();
            let selects = selector.as_object().is_none_or(|all| all.iter().all(|(key, value)| labels[key] == *value));
            if selects && (name(module), name(service)) != ("storefront", "storefront") {
                found.push(format!(
                    "the Service {} makes {} callable: modules talk over the broker",
                    name(service),
                    name(module)
                ));
            }
        }
        if !["", "ClusterIP"].contains(&text(service, "/spec/type")) {
            found.push(format!("the Service {} is open to outside of the cluster", name(service)));
        }
    }
    let page = find(documents, "Service", "storefront").map(|service| &service["spec"]);
    let wanted = json!({
        "selector": { "app.kubernetes.io/name": "storefront" },
        "ports": [{ "name": "http", "port": 80, "targetPort": "http" }],
    });
    if page != Some(&wanted) {
        found.push(format!("the storefront's Service is {page:?}, not {wanted}"));
    }
    let port = json!({ "name": "http", "containerPort": 8080 });
    let storefront = find(documents, "Deployment", "storefront").and_then(pod_template);
    if rendering.title != PODMAN
        && !storefront.into_iter().flat_map(containers).any(|one| list(one, "/ports").contains(&port))
    {
        found.push("the storefront's Service leads to no port".to_owned());
    }
    for document in documents {
        if let Some(image) = pod_template(document)
            .into_iter()
            .flat_map(containers)
            .map(|one| text(one, "/image"))
            .find(|image| !is_pinned(image))
        {
            found.push(format!("{}: {image:?} is not one image for ever", title(document)));
        }
    }
    for cluster in of_kind(documents, "RabbitmqCluster") {
        if !is_pinned(text(cluster, "/spec/image")) {
            found.push(format!("the broker's image is {:?}", text(cluster, "/spec/image")));
        }
    }
    if !ON_A_DESK.contains(&rendering.title.as_str()) {
        found.extend(of_kind(documents, "Secret").map(|secret| format!("{} stands in the repository", title(secret))));
    }
    for module in documents.iter().filter(|document| is_module(document)) {
        let image = pod_template(module)
            .into_iter()
            .flat_map(containers)
            .map(|one| text(one, "/image"))
            .next()
            .unwrap_or_default();
        let of = image.rsplit('/').next().unwrap_or_default().split([':', '@']).next().unwrap_or_default();
        if of != name(module) || !MODULES.contains(&of) {
            found.push(format!("{} runs the image {image:?}", title(module)));
        }
        if rendering.title != PODMAN && !image.ends_with(concat!(":", env!("CARGO_PKG_VERSION"))) {
            found.push(format!("{} runs {image}, which is not this version", title(module)));
        }
    }
    found
}

/// By its digest, or by a tag that names a release to its last number, or one that is built on the spot.
fn is_pinned(image: &str) -> bool {
    if image.contains("@sha256:") {
        return true;
    }
    let tag = image.rsplit('/').next().unwrap_or_default().split_once(':').map(|(_, tag)| tag).unwrap_or_default();
    let version = tag.split('-').next().unwrap_or_default();
    let numbers =
        version.split('.').filter(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit())).count();
    // PostgreSQL's releases have two numbers.
    numbers >= if image.starts_with("postgres:") { 2 } else { 3 } || (image.starts_with("localhost/") && tag == "dev")
}

#[cfg(test)]
mod tests {
    use super::is_pinned;

    #[test]
    fn a_tag_that_may_move_is_none() {
        for good in [
            "garenne/orders:0.1.0",
            "rabbitmq:4.3.5-management",
            "postgres:17.6-bookworm",
            "a/b@sha256:00",
            "localhost/orders:dev",
        ] {
            assert!(is_pinned(good), "{good}");
        }
        for bad in
            ["orders", "orders:latest", "rabbitmq:4-management", "rabbitmq:4.3", "registry:5000/orders", "orders:dev"]
        {
            assert!(!is_pinned(bad), "{bad}");
        }
    }
}

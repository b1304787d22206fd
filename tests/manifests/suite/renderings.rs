//! Every overlay, and every combination of components.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use manifests::{KUBERNETES, Rendering, all, overlays, policy, render, render_folder, validate, validate_on};
use serde_json::Value;

/// All of them, rendered once.
pub(crate) fn renderings() -> &'static [Rendering] {
    static RENDERED: OnceLock<Vec<Rendering>> = OnceLock::new();
    RENDERED.get_or_init(|| {
        manifests::tools::find_or_install().expect("kubectl and the validator");
        let combinations = all();
        let next = AtomicUsize::new(0);
        let some = || {
            let mut found = Vec::new();
            while let Some(one) = combinations.get(next.fetch_add(1, Ordering::Relaxed)) {
                found.push(render(one).expect("it renders"));
            }
            found
        };
        let mut found: Vec<Rendering> =
            overlays().iter().map(|overlay| render_folder(overlay).expect("it renders")).collect();
        thread::scope(|scope| {
            let threads = [scope.spawn(some), scope.spawn(some)];
            threads.into_iter().for_each(|thread| found.extend(thread.join().expect("a thread that renders")));
        });
        found
    })
}

/// An overlay by itself.
pub(crate) fn overlay(name: &str) -> Rendering {
    render_folder(name).expect("it renders")
}

#[test]
fn every_overlay_and_every_combination_of_components_keeps_the_rules() {
    assert!(renderings().len() > 100, "{} renderings", renderings().len());
    let faults: Vec<String> = renderings()
        .iter()
        .flat_map(|rendering| {
            policy::faults(rendering).into_iter().map(|fault| format!("{}: {fault}", rendering.title))
        })
        .collect();
    let shown: Vec<&String> = faults.iter().take(30).collect();
    assert!(faults.is_empty(), "{} faults, among them:\n{shown:#?}", faults.len());
}

#[test]
fn every_document_is_as_its_schema_says() {
    let mut distinct: BTreeMap<String, &Value> = BTreeMap::new();
    for document in renderings().iter().flat_map(|rendering| &rendering.documents) {
        distinct.insert(document.to_string(), document);
    }
    assert!(distinct.len() > 300, "{} documents", distinct.len());
    assert_eq!(validate_on(&KUBERNETES, distinct.into_values()).unwrap(), Vec::<String>::new());
}

#[test]
fn what_an_older_kubernetes_does_not_know_is_found_and_the_versions_are_those_of_the_pages() {
    let pod = |field: &str, value: Value| {
        let container = serde_json::json!({ "name": "one", "image": "one:1.0.0" });
        let mut pod = serde_json::json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "one" }, "spec": { "containers": [container] },
        });
        pod["spec"][field] = value;
        pod
    };
    // It came with 1.34.
    let pod = pod("hostnameOverride", "two".into());
    assert_eq!(validate([&pod]).unwrap(), Vec::<String>::new());
    let faults = validate_on(&KUBERNETES, [&pod]).unwrap();
    assert!(faults.len() == 1 && faults[0].ends_with("(on 1.32)"), "{faults:?}");
    let read = manifests::project::read;
    for page in ["docs/kubernetes.md", "docs/aws.md"] {
        assert!(read(page).contains(&format!("`kubectl` {} or later", KUBERNETES[0])), "{page}");
    }
    let [oldest, of_amazon, newest] = KUBERNETES;
    assert!(read("docs/kubernetes.md").contains(&format!("on Kubernetes {oldest}, {of_amazon} and {newest}, and")));
    assert!(read("infra/aws/variables.tf").contains(&format!("\"{}\"", KUBERNETES[1])));
    assert!(read("tests/manifests/requirements.txt").contains(&format!("kubernetes-validate=={}.", KUBERNETES[2])));
}

#[test]
fn a_misspelt_field_is_found_in_kubernetes_own_kinds_and_in_those_of_operators() {
    for (kind, path, word) in [
        ("NetworkPolicy", "/spec", "egres"),
        ("Deployment", "/spec/template/spec/containers/0/securityContext", "readonlyRootFilesystem"),
        ("PodDisruptionBudget", "/spec", "unhealthyPodEvictionPolicies"),
        ("RabbitmqCluster", "/spec/tls", "disableNonTlsListeners"),
        ("ScaledObject", "/spec/fallback", "replica"),
        ("PrometheusRule", "/spec/groups/0/rules/0", "severity"),
        ("Certificate", "/spec", "dnsName"),
        ("ScrapeConfig", "/spec", "metricPath"),
    ] {
        let documents = overlay(if kind == "ScrapeConfig" { "eks" } else { "production" }).documents;
        let mut document = documents.into_iter().find(|document| document["kind"] == kind).unwrap();
        assert_eq!(validate([&document]).unwrap(), Vec::<String>::new(), "{kind}");
        document.pointer_mut(path).unwrap()[word] = true.into();
        assert!(!validate([&document]).unwrap().is_empty(), "{kind} with {word}");
    }
}

#[test]
fn a_kind_without_a_schema_is_a_fault() {
    let unknown =
        serde_json::json!({ "apiVersion": "example.org/v1", "kind": "Gadget", "metadata": { "name": "one" } });
    assert_eq!(validate([&unknown]).unwrap().len(), 1);
}

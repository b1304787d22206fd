//! What the topology operator makes on a broker is what the services' own definitions say.

use std::collections::BTreeSet;

use manifests::definitions::definitions;
use manifests::document::{kind, name};
use manifests::topology::{ADMINISTRATOR, read_back};
use serde_json::{Value, json};

use crate::renderings::overlay;

/// The resources of the production overlay, as kustomize gives them to the cluster.
fn resources() -> Vec<Value> {
    let of_operator = ["User", "Permission", "TopicPermission", "Exchange", "Queue", "Binding", "Vhost", "Policy"];
    let mut documents = overlay("production").documents;
    documents.retain(|document| of_operator.contains(&kind(document)));
    documents
}

fn entries(list: &Value) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().map(Value::to_string).collect()
}

#[test]
fn the_topology_operators_resources_are_the_definitions() {
    let mut theirs = definitions().clone();
    let mut ours = read_back(&resources()).unwrap();
    // The operators have an administrator of their own, and nobody's password is in the repository.
    for (list, user) in [("users", "name"), ("permissions", "user")] {
        theirs[list].as_array_mut().unwrap().retain(|one| one[user] != ADMINISTRATOR);
    }
    for user in theirs["users"].as_array_mut().unwrap() {
        *user = json!({ "name": user["name"], "tags": user["tags"] });
    }
    // KEDA looks at the broker only where it runs.
    let keda = json!({ "name": "keda", "tags": ["monitoring"] });
    let nothing = json!({ "user": "keda", "vhost": "/", "configure": "^$", "write": "^$", "read": "^$" });
    for (list, extra) in [("users", keda), ("permissions", nothing)] {
        let all = ours[list].as_array_mut().unwrap();
        let before = all.len();
        all.retain(|one| *one != extra);
        assert_eq!(before - all.len(), 1, "KEDA's {list}");
    }
    // Every cluster has the default virtual host, and no policies are needed.
    assert_eq!((&theirs["vhosts"], &theirs["policies"]), (&json!([{ "name": "/" }]), &json!([])));
    for list in ["users", "permissions", "topic_permissions", "exchanges", "queues", "bindings"] {
        let (ours, theirs) = (entries(&ours[list]), entries(&theirs[list]));
        assert!(!theirs.is_empty());
        let missing: Vec<&String> = theirs.difference(&ours).collect();
        let more: Vec<&String> = ours.difference(&theirs).collect();
        assert!(missing.is_empty() && more.is_empty(), "{list}: missing {missing:#?}, and more {more:#?}");
    }
    let known = ["bindings", "exchanges", "permissions", "policies", "queues", "topic_permissions", "users", "vhosts"];
    let lists: BTreeSet<&str> = theirs.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(lists, BTreeSet::from(known), "the definitions have a list of which there are no resources");
}

#[test]
fn every_resource_has_a_name_of_its_own_that_kubernetes_takes() {
    let mut seen = BTreeSet::new();
    for resource in resources() {
        let name = name(&resource);
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-';
        assert!(name.len() <= 253 && name.chars().all(plain), "{name}");
        assert!(seen.insert((kind(&resource).to_owned(), name.to_owned())), "{name} stands there twice");
    }
}

#[test]
fn what_is_in_a_queue_outlives_its_resource() {
    let resources = resources();
    let queues: Vec<&Value> = resources.iter().filter(|resource| kind(resource) == "Queue").collect();
    assert!(queues.len() > 50);
    assert!(queues.iter().all(|queue| queue["spec"]["deletionPolicy"] == "retain"));
}

//! The files of `infra/rabbitmq` that Compose mounts are those that the private node uses, and they can be read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rabbitmq_node::{ADMINISTRATOR, Definitions};
use serde_json::Value;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../rabbitmq").join(name)
}

fn names<'a>(definitions: &'a Value, kind: &str, field: &str) -> BTreeSet<&'a str> {
    definitions[kind].as_array().into_iter().flatten().filter_map(|object| object[field].as_str()).collect()
}

#[test]
fn every_user_of_the_definitions_has_rights_and_nobody_else_has() {
    let counts = Definitions::read(&file("definitions.json")).unwrap().counts();
    assert!(counts.users > 0);
    let definitions: Value = serde_json::from_str(&fs::read_to_string(file("definitions.json")).unwrap()).unwrap();
    let users = names(&definitions, "users", "name");
    assert!(users.contains(ADMINISTRATOR.0) && !users.contains("guest"), "{users:?}");
    assert_eq!(names(&definitions, "permissions", "user"), users);
    assert!(names(&definitions, "topic_permissions", "user").is_subset(&users));
}

#[test]
fn every_queue_of_the_definitions_states_its_type() {
    let definitions: Value = serde_json::from_str(&fs::read_to_string(file("definitions.json")).unwrap()).unwrap();
    for queue in definitions["queues"].as_array().unwrap() {
        assert!(queue["arguments"]["x-queue-type"].is_string(), "{queue}");
    }
}

#[test]
fn compose_mounts_what_is_here_and_listens_on_loopback_only() {
    let compose = fs::read_to_string(file("compose.yaml")).unwrap();
    let below = |key: &str| -> Vec<String> {
        let lines = compose.lines().skip_while(|line| line.trim() != format!("{key}:")).skip(1);
        lines.map_while(|line| line.trim().strip_prefix("- ")).map(|item| item.trim_matches('"').to_owned()).collect()
    };
    let ports = below("ports");
    assert_eq!(ports, ["127.0.0.1:5672:5672", "127.0.0.1:15672:15672", "127.0.0.1:1883:1883"]);
    let mounts: Vec<String> = below("volumes").into_iter().filter(|mount| mount.starts_with("./")).collect();
    assert_eq!(mounts.len(), 3, "{mounts:?}");
    for mount in mounts {
        let [source, target, mode] = mount.split(':').collect::<Vec<_>>()[..] else { panic!("{mount}") };
        assert!(file(source).is_file(), "{source} is missing");
        assert_eq!((target, mode), (format!("/etc/rabbitmq/{}", &source[2..]).as_str(), "ro"));
    }
}

//! A real node: its life, an outage, its neighbours, and the death of its owner.
//!
//! `cargo xtask test` has RabbitMQ ready before it runs these, and says with `TEST_BROKER` which one is meant.

mod ground;
mod system;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use ground::{eventually, fresh, installation};
use rabbitmq_node::{Error, Management, Node, NodeOptions};
use serde_json::json;
use system::{processes_of, wait_for_register};

/// Tells the test process that it is the owner whose death is watched, and where its node lies.
const OWNED_DIRECTORY: &str = "TEST_OWNED_NODE";

fn start(name: &str) -> Node {
    Node::start(&installation(), &NodeOptions::new(fresh(name))).expect("the node starts")
}

/// A definitions file with this text.
fn written(name: &str, text: &str) -> PathBuf {
    let directory = fresh(name);
    fs::create_dir_all(&directory).expect("a test directory can be made");
    let file = directory.join("definitions.json");
    fs::write(&file, text).expect("a test file can be written");
    file
}

#[test]
fn data_outlive_a_kill_and_no_process_outlives_a_stop() {
    let mut node = start("life");
    let directory = node.directory().root().to_owned();
    assert!(!processes_of(&directory).is_empty());

    let management = node.management();
    let queue = json!({ "durable": true, "arguments": { "x-queue-type": "quorum" } });
    management.put("queues/%2F/kept", &queue).unwrap();
    let stream = json!({ "durable": true, "arguments": { "x-queue-type": "stream" } });
    management.put("queues/%2F/history", &stream).unwrap();
    let message = json!({ "properties": { "delivery_mode": 2 }, "routing_key": "kept", "payload": "still here", "payload_encoding": "string" });
    let routed = management.post("exchanges/%2F/amq.default/publish", &message).unwrap();
    assert_eq!(routed["routed"], true);

    wait_for_register(&node);
    node.kill().unwrap();
    eventually("every process of the killed node is gone", || processes_of(&directory).is_empty());
    assert!(matches!(management.get("overview"), Err(Error::Management { status: None, .. })));

    node.restart().unwrap();
    let get = json!({ "count": 1, "ackmode": "ack_requeue_false", "encoding": "auto" });
    eventually("the message is back", || {
        let messages = management.post("queues/%2F/kept/get", &get);
        messages.is_ok_and(|messages| messages[0]["payload"] == "still here")
    });
    eventually("the stream is back", || {
        management.get("queues/%2F/history").is_ok_and(|stream| stream["state"] == "running")
    });
    management.delete("queues/%2F/kept").unwrap();
    assert!(matches!(management.get("queues/%2F/kept"), Err(Error::Management { status: Some(404), .. })));

    node.stop().unwrap();
    eventually("every process of the stopped node is gone", || processes_of(&directory).is_empty());
}

#[test]
fn a_node_that_was_told_it_is_short_of_memory_says_so_until_it_is_told_otherwise() {
    let node = start("alarm");
    let healthy = || node.management().get("health/checks/local-alarms").map(drop);
    assert!(healthy().is_ok());
    node.raise_memory_alarm().unwrap();
    assert!(matches!(healthy(), Err(Error::Management { status: Some(503), .. })));
    node.clear_memory_alarm().unwrap();
    assert!(healthy().is_ok());
}

#[test]
fn a_node_that_is_gone_cannot_be_told_anything() {
    let mut node = start("deaf");
    node.stop().unwrap();
    let error = node.raise_memory_alarm().unwrap_err().to_string();
    assert!(error.contains("set_alarm") && error.contains("nodedown"), "{error}");
}

#[test]
fn two_nodes_live_side_by_side_and_guest_is_refused() {
    let one = start("side-one");
    let wanted = json!({
        "vhosts": [{ "name": "/" }],
        "users": [{
            "name": "admin", "tags": ["administrator"], "hashing_algorithm": "rabbit_password_hashing_sha256",
            "password_hash": "AAECA5I3dc0IPvrXsuYnomb6EjeSsDkMJF+jw7H/jQqAfGB2",
        }],
        "permissions": [{ "user": "admin", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*" }],
        "queues": [{ "name": "imported", "vhost": "/", "durable": true, "auto_delete": false, "arguments": { "x-queue-type": "quorum" } }],
    });
    let definitions = written("side-definitions", &wanted.to_string());
    let options = NodeOptions { definitions: Some(definitions), ..NodeOptions::new(fresh("side-two")) };
    let two = Node::start(&installation(), &options).unwrap();

    assert_ne!(one.amqp_port(), two.amqp_port());
    assert!(matches!(one.management().get("queues/%2F/imported"), Err(Error::Management { status: Some(404), .. })));
    let guest = Management::new(&two.management_url(), "guest", "guest").get("overview");
    assert!(matches!(guest, Err(Error::Management { status: Some(401), .. })), "{guest:?}");
}

#[test]
fn a_node_that_cannot_boot_shows_its_log() {
    let definitions = written("broken-definitions", r#"{"queues": [{"name": "no vhost"}]}"#);
    let options = NodeOptions { definitions: Some(definitions), ..NodeOptions::new(fresh("broken")) };
    let error = Node::start(&installation(), &options).unwrap_err();
    assert!(matches!(error, Error::Exited { .. }), "{error}");
    assert!(error.to_string().contains("rabbitmq.log"), "{error}");
}

#[test]
fn a_node_stops_when_its_owner_is_killed() {
    let directory = fresh("orphan");
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "owner_of_a_node", "--ignored", "--nocapture"])
        .env(OWNED_DIRECTORY, &directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let ready = BufReader::new(owner.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .any(|line| line.ends_with("the node is ready"));
    assert!(ready, "the owner ended before its node was ready");
    assert!(!processes_of(&directory).is_empty());

    owner.kill().unwrap();
    owner.wait().unwrap();
    eventually("the orphaned node is gone", || processes_of(&directory).is_empty());
}

#[test]
#[ignore = "the process that a_node_stops_when_its_owner_is_killed starts"]
fn owner_of_a_node() {
    let directory = std::env::var_os(OWNED_DIRECTORY).expect("only for another test");
    let _node = Node::start(&installation(), &NodeOptions::new(PathBuf::from(directory))).unwrap();
    println!("the node is ready");
    let _ = std::io::stdin().read(&mut [0]);
}

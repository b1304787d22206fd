//! A real cluster: quorum queues outlive one of its nodes, which comes back.

mod ground;
mod system;

use std::path::Path;

use ground::{eventually, fresh, installation};
use rabbitmq_node::{Cluster, ClusterOptions, Error, Management};
use serde_json::{Value, json};
use system::{processes_of, wait_for_register};

const QUEUES: [&str; 3] = ["one", "two", "three"];

/// The names in a list of a queue's, sorted.
fn names(management: &Management, queue: &str, list: &str) -> Vec<String> {
    let queue = management.get(&format!("queues/%2F/{queue}")).unwrap_or_default();
    let mut names: Vec<String> =
        queue[list].as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    names.sort();
    names
}

fn publish(management: &Management, queue: &str, text: &str) -> Result<Value, Error> {
    let message = json!({
        "properties": { "delivery_mode": 2 }, "routing_key": queue, "payload": text, "payload_encoding": "string",
    });
    management.post("exchanges/%2F/amq.default/publish", &message)
}

fn take(management: &Management, queue: &str) -> Option<String> {
    let get = json!({ "count": 1, "ackmode": "ack_requeue_false", "encoding": "auto" });
    let messages = management.post(&format!("queues/%2F/{queue}/get"), &get).ok()?;
    messages[0]["payload"].as_str().map(str::to_owned)
}

#[test]
fn what_was_declared_through_a_node_is_served_after_its_death_and_the_node_comes_back() {
    let definitions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rabbitmq/definitions.json");
    let options = ClusterOptions { definitions: Some(definitions), ..ClusterOptions::new(fresh("cluster")) };
    let mut cluster = Cluster::start(&installation(), &options).unwrap();
    let all: Vec<String> = cluster.nodes().iter().map(|node| node.name().to_owned()).collect();
    let first = cluster.nodes()[0].management();
    assert_eq!(names(&first, "orders.dlq", "members"), all, "what was imported has a replica on every node too");
    for queue in QUEUES {
        let quorum = json!({ "durable": true, "arguments": { "x-queue-type": "quorum" } });
        first.put(&format!("queues/%2F/{queue}"), &quorum).unwrap();
        assert_eq!(publish(&first, queue, "before").unwrap()["routed"], true);
        assert_eq!(names(&first, queue, "members"), all, "{queue} has a replica on every node");
        assert_eq!(cluster.leader("/", queue).unwrap(), 0, "whoever declares leads");
    }
    wait_for_register(&cluster.nodes()[0]);

    cluster.kill(0).unwrap();
    let home = cluster.nodes()[0].directory().root().to_owned();
    eventually("every process of the killed node is gone", || processes_of(&home).is_empty());
    for queue in QUEUES {
        let second = cluster.nodes()[1].management();
        eventually("another node leads", || cluster.leader("/", queue).is_ok_and(|leader| leader != 0));
        eventually("the message is still there", || take(&second, queue).as_deref() == Some("before"));
        assert_eq!(publish(&second, queue, "meanwhile").unwrap()["routed"], true);
    }

    cluster.restart(0).unwrap();
    for queue in QUEUES {
        eventually("every replica follows", || names(&first, queue, "online") == all);
        eventually("the node that was away serves", || take(&first, queue).as_deref() == Some("meanwhile"));
    }

    let homes: Vec<_> = cluster.nodes().iter().map(|node| node.directory().root().to_owned()).collect();
    cluster.stop().unwrap();
    eventually("no process is left", || homes.iter().all(|home| processes_of(home).is_empty()));
}

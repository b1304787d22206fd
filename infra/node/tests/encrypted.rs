//! Real nodes that take nothing unencrypted: with an authority of the test's, and with the behaviour of Amazon MQ.

mod ground;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use ground::{eventually, fresh, installation};
use rabbitmq_node::{Authority, Encryption, Error, Node, NodeOptions, Profile};
use serde_json::json;

/// What a client says first that speaks AMQP plainly.
const GREETING: &[u8] = b"AMQP\x00\x00\x09\x01";

/// What somebody on this port answers to a plain greeting.
fn answer(port: u16) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("somebody listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
    stream.write_all(GREETING).expect("it is sent");
    let mut answer = Vec::new();
    let _ended_or_reset = stream.read_to_end(&mut answer);
    answer
}

fn plugins(node: &Node) -> String {
    std::fs::read_to_string(node.directory().root().join("enabled_plugins")).expect("it is there")
}

#[test]
fn an_encrypted_node_never_answers_a_plain_client_and_has_no_other_port_for_amqp() {
    let folder = fresh("encrypted-files");
    let authority = Authority::new("test").unwrap();
    let own = authority.server(&["localhost"]).unwrap().write(&folder).unwrap();
    let authorities = folder.join("ca.crt");
    authority.write(&authorities).unwrap();
    let encryption = Encryption { authorities, own, clients_show_theirs: true };
    let options = NodeOptions { encryption: Some(encryption), ..NodeOptions::new(fresh("encrypted")) };
    let node = Node::start(&installation(), &options).expect("the node starts");
    let told = answer(node.amqp_port());
    assert!(!told.windows(4).any(|bytes| bytes == b"AMQP") && !told.starts_with(&[1, 0, 0]), "{told:?}");
    assert_eq!(node.mqtt_port(), None);
    assert!(plugins(&node).contains("rabbitmq_auth_mechanism_ssl"));
    assert!(node.amqp_url("a", "b", "/").starts_with("amqps://"));
    let mut protocols = Vec::new();
    eventually("the listeners in the statistics", || {
        let overview = node.management().get("overview").unwrap_or_default();
        let listeners = overview["listeners"].as_array().cloned().unwrap_or_default();
        protocols = listeners.iter().map(|one| one["protocol"].as_str().unwrap_or_default().to_owned()).collect();
        !protocols.is_empty()
    });
    assert!(protocols.iter().any(|protocol| protocol == "amqp/ssl"), "{protocols:?}");
    assert!(!protocols.iter().any(|protocol| protocol == "amqp"), "{protocols:?}");
}

#[test]
fn a_node_that_behaves_like_amazon_mq_is_encrypted_and_has_quorum_queues_locked_policies_and_no_guest() {
    let options = NodeOptions { profile: Profile::AmazonMq, ..NodeOptions::new(fresh("amazon-mq")) };
    let installation = installation();
    if installation.version().unwrap_or_default().starts_with("3.") {
        let refused = Node::start(&installation, &options).unwrap_err();
        assert!(matches!(refused, Error::Profile { .. }) && refused.to_string().contains("--broker 4.0"), "{refused}");
        return;
    }
    let node = Node::start(&installation, &options).expect("the node starts");
    assert!(!answer(node.amqp_port()).windows(4).any(|bytes| bytes == b"AMQP"));
    let management = node.management();

    management.put("vhosts/shop", &json!({})).unwrap();
    let rights = json!({ "configure": ".*", "write": ".*", "read": ".*" });
    management.put("permissions/shop/admin", &rights).unwrap();
    management.put("queues/shop/untyped", &json!({ "durable": true })).unwrap();
    assert_eq!(management.get("queues/shop/untyped").unwrap()["type"], "quorum");
    management
        .put("queues/shop/transient", &json!({ "durable": false, "arguments": { "x-queue-type": "classic" } }))
        .unwrap_err();

    let policy = json!({ "pattern": ".*", "apply-to": "queues", "definition": { "max-length": 1 } });
    let refused = management.put("operator-policies/shop/mine", &policy).unwrap_err();
    assert!(matches!(refused, Error::Management { status: Some(403 | 405), .. }), "{refused}");

    let users = management.get("users").unwrap();
    assert!(users.as_array().unwrap().iter().all(|user| user["name"] != "guest"), "{users}");
    assert_eq!(plugins(&node), "[rabbitmq_management,rabbitmq_prometheus].\n");
}

//! A service's part of the broker's `definitions.json`.

use serde_json::{Map, Value, json};

use super::{Argument, Blueprint, Exchange, Queue};

/// Exchanges, queues, bindings and rights of one service in the vhost `/`, in the broker's own format.
/// The service's user has the service's name. Queues that belong to a connection are not part of it.
pub(crate) fn definitions(blueprint: &Blueprint) -> Value {
    let topology = blueprint.topology();
    let rights = blueprint.rights();
    let user = &blueprint.service;
    let topics: Vec<Value> = rights
        .topics
        .iter()
        .map(|(exchange, topic)| {
            json!({"user": user, "vhost": "/", "exchange": exchange, "write": topic.write, "read": topic.read})
        })
        .collect();
    let bindings: Vec<Value> = topology
        .bindings
        .iter()
        .map(|binding| {
            json!({
                "source": binding.exchange, "vhost": "/", "destination": binding.queue,
                "destination_type": "queue", "routing_key": binding.key, "arguments": {}
            })
        })
        .collect();
    json!({
        "exchanges": topology.exchanges.iter().map(exchange).collect::<Vec<_>>(),
        "queues": topology.queues.iter().map(queue).collect::<Vec<_>>(),
        "bindings": bindings,
        "permissions": [{
            "user": user, "vhost": "/",
            "configure": rights.configure, "write": rights.write, "read": rights.read
        }],
        "topic_permissions": topics,
    })
}

fn exchange(exchange: &Exchange) -> Value {
    let arguments = match &exchange.alternate {
        Some(alternate) => json!({"alternate-exchange": alternate}),
        None => json!({}),
    };
    json!({
        "name": exchange.name, "vhost": "/", "type": exchange.kind.as_str(),
        "durable": true, "auto_delete": false, "internal": false, "arguments": arguments
    })
}

fn queue(queue: &Queue) -> Value {
    let arguments: Map<String, Value> = queue
        .arguments
        .iter()
        .map(|(key, value)| {
            let value = match value {
                Argument::Integer(number) => json!(number),
                Argument::Text(text) => json!(text),
            };
            ((*key).to_owned(), value)
        })
        .collect();
    json!({"name": queue.name, "vhost": "/", "durable": true, "auto_delete": false, "arguments": arguments})
}

//! What `definitions.json` says, as resources of RabbitMQ's topology operator, and back again.

use serde_json::{Map, Value, json};

use crate::document::{kind, list, text};

/// The user of the operators, whom the cluster operator makes; the file's own is for nodes without operators.
pub const ADMINISTRATOR: &str = "admin";

/// A resource for everything that the file has but its administrator and the default virtual host, which every cluster has.
#[must_use]
pub fn resources(definitions: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    let of_modules = |path: &'static str, user: &'static str| {
        list(definitions, path).iter().filter(move |one| text(one, user) != ADMINISTRATOR)
    };
    for user in of_modules("/users", "/name") {
        let name = text(user, "/name");
        let spec = json!({ "importCredentialsSecret": { "name": format!("{name}-broker") }, "tags": user["tags"] });
        found.push(resource("User", name, spec));
    }
    for right in of_modules("/permissions", "/user") {
        let spec = json!({
            "vhost": right["vhost"],
            "user": right["user"],
            "permissions": { "configure": right["configure"], "write": right["write"], "read": right["read"] },
        });
        found.push(resource("Permission", text(right, "/user"), spec));
    }
    for right in of_modules("/topic_permissions", "/user") {
        let spec = json!({
            "vhost": right["vhost"],
            "user": right["user"],
            "permissions": { "exchange": right["exchange"], "write": right["write"], "read": right["read"] },
        });
        found.push(resource(
            "TopicPermission",
            &format!("{}.{}", text(right, "/user"), text(right, "/exchange")),
            spec,
        ));
    }
    for exchange in list(definitions, "/exchanges") {
        let mut spec = pick(exchange, &["name", "vhost", "type", "durable", "arguments"]);
        spec["autoDelete"] = exchange["auto_delete"].clone();
        found.push(resource("Exchange", text(exchange, "/name"), spec));
    }
    for queue in list(definitions, "/queues") {
        let mut spec = pick(queue, &["name", "vhost", "durable", "arguments"]);
        spec["autoDelete"] = queue["auto_delete"].clone();
        // The operator makes this argument of the type.
        let kind = spec["arguments"].as_object_mut().and_then(|arguments| arguments.remove("x-queue-type"));
        spec["type"] = kind.unwrap_or_default();
        // What is in a queue outlives its resource.
        spec["deletionPolicy"] = json!("retain");
        found.push(resource("Queue", text(queue, "/name"), spec));
    }
    for binding in list(definitions, "/bindings") {
        let mut spec = pick(binding, &["vhost", "source", "destination", "arguments"]);
        spec["destinationType"] = binding["destination_type"].clone();
        spec["routingKey"] = binding["routing_key"].clone();
        let name = format!("{}.from.{}", text(binding, "/destination"), text(binding, "/source"));
        found.push(resource("Binding", &name, spec));
    }
    found
}

/// What the operator makes of resources, in the words of `definitions.json`: for each of its lists, the entries.
///
/// # Errors
/// A resource of a kind that is not known here.
pub fn read_back(resources: &[Value]) -> Result<Value, String> {
    let mut found: Map<String, Value> = Map::new();
    for resource in resources {
        let spec = resource["spec"].clone();
        let (list, entry) = match kind(resource) {
            "User" => {
                let secret = text(&spec, "/importCredentialsSecret/name").to_owned();
                let name = secret.strip_suffix("-broker").unwrap_or_default().to_owned();
                ("users", json!({ "name": name, "tags": spec["tags"] }))
            }
            "Permission" | "TopicPermission" => {
                let mut entry = pick(&spec, &["vhost", "user"]);
                let rights = spec["permissions"].as_object().cloned().unwrap_or_default();
                entry.as_object_mut().into_iter().for_each(|entry| entry.extend(rights.clone()));
                let topic = kind(resource) == "TopicPermission";
                (if topic { "topic_permissions" } else { "permissions" }, entry)
            }
            "Exchange" => {
                let mut entry = pick(&spec, &["name", "vhost", "type", "durable", "arguments"]);
                entry["auto_delete"] = spec["autoDelete"].clone();
                entry["internal"] = json!(false);
                ("exchanges", entry)
            }
            "Queue" => {
                let mut entry = pick(&spec, &["name", "vhost", "durable", "arguments"]);
                entry["auto_delete"] = spec["autoDelete"].clone();
                entry["arguments"]["x-queue-type"] = spec["type"].clone();
                ("queues", entry)
            }
            "Binding" => {
                let mut entry = pick(&spec, &["vhost", "source", "destination", "arguments"]);
                entry["destination_type"] = spec["destinationType"].clone();
                entry["routing_key"] = spec["routingKey"].clone();
                ("bindings", entry)
            }
            other => return Err(format!("what does the topology operator make of a {other}?")),
        };
        found
            .entry(list)
            .or_insert_with(|| json!([]))
            .as_array_mut()
            .into_iter()
            .for_each(|all| all.push(entry.clone()));
    }
    Ok(Value::Object(found))
}

fn resource(kind: &str, name: &str, mut spec: Value) -> Value {
    spec["rabbitmqClusterReference"] = json!({ "name": "rabbitmq" });
    json!({
        "apiVersion": "rabbitmq.com/v1beta1",
        "kind": kind,
        "metadata": { "name": name, "namespace": "shop" },
        "spec": spec,
    })
}

fn pick(from: &Value, fields: &[&str]) -> Value {
    Value::Object(fields.iter().map(|field| ((*field).to_owned(), from[*field].clone())).collect())
}

//! The whole document: parts of the services, merged and in a fixed order.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::devices;
use super::user::user;
use crate::failure::Failure;

/// The kinds of objects a service may declare, in the order in which the document lists them, with the fields that identify one.
pub(super) const KINDS: [(&str, &[&str]); 6] = [
    ("permissions", &["user", "vhost"]),
    ("topic_permissions", &["user", "vhost", "exchange"]),
    ("policies", &["vhost", "name"]),
    ("exchanges", &["vhost", "name"]),
    ("queues", &["vhost", "name"]),
    ("bindings", &["vhost", "source", "destination_type", "destination", "routing_key", "arguments"]),
];

/// The virtual host that every service of the development broker uses.
const VHOST: &str = "/";

/// Merges the parts, and adds the virtual host, one user per service, the administrator and a device.
/// The same object may be declared by several services, but only in the same way.
pub(super) fn assemble(parts: &[(&str, Value)]) -> Result<Value, Failure> {
    let mut users: Vec<Value> = parts.iter().map(|(service, _)| user(service, &[])).collect();
    let (name, _) = rabbitmq_node::ADMINISTRATOR;
    users.push(user(name, &["administrator"]));
    let scanner = devices::rights(parts).inspect(|_| users.push(user(devices::SCANNER, &[])));
    users.sort_by_key(|user| user["name"].to_string());
    let administrator = json!({ "permissions": [
        { "user": name, "vhost": VHOST, "configure": ".*", "write": ".*", "read": ".*" }
    ] });
    let mut document = Map::new();
    document.insert("vhosts".to_owned(), json!([{ "name": VHOST }]));
    document.insert("users".to_owned(), Value::Array(users));
    for (kind, fields) in KINDS {
        let mut merged: BTreeMap<String, (&str, &Value)> = BTreeMap::new();
        let added = [Some(&administrator), scanner.as_ref()].into_iter().flatten().map(|part| ("xtask", part));
        for (service, part) in parts.iter().map(|(service, part)| (*service, part)).chain(added) {
            for object in objects(service, part, kind)? {
                let (first, earlier) = *merged.entry(identity(object, fields)).or_insert((service, object));
                if earlier != object {
                    return Err(Failure::new(format!(
                        "{first} and {service} declare the same of {kind} differently:\n  {earlier}\n  {object}"
                    )));
                }
            }
        }
        document.insert(kind.to_owned(), merged.into_values().map(|(_, object)| sorted(object)).collect());
    }
    if let Some((service, kind)) = unknown_kind(parts) {
        return Err(Failure::new(format!("`{service} definitions` has `{kind}`, which is not merged")));
    }
    Ok(Value::Object(document))
}

/// One line per object: a change shows as the lines it concerns.
pub(super) fn render(document: &Value) -> String {
    let order = ["vhosts", "users"].into_iter().chain(KINDS.map(|(kind, _)| kind));
    let kinds = order.map(|kind| {
        let lines: Vec<String> = list(document, kind).iter().map(|object| format!("    {}", sorted(object))).collect();
        if lines.is_empty() {
            format!("  \"{kind}\": []")
        } else {
            format!("  \"{kind}\": [\n{}\n  ]", lines.join(",\n"))
        }
    });
    format!("{{\n{}\n}}\n", kinds.collect::<Vec<_>>().join(",\n"))
}

/// What identifies an object among those of its kind.
pub(super) fn identity(object: &Value, fields: &[&str]) -> String {
    let text = |field: &&str| match &object[*field] {
        Value::String(text) => text.clone(),
        Value::Object(arguments) if arguments.is_empty() => String::new(),
        other => sorted(other).to_string(),
    };
    fields.iter().map(text).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The objects of one kind; none when the kind is absent.
pub(super) fn list<'a>(document: &'a Value, kind: &str) -> &'a [Value] {
    document[kind].as_array().map_or(&[], Vec::as_slice)
}

fn objects<'a>(service: &str, part: &'a Value, kind: &str) -> Result<&'a [Value], Failure> {
    match part.get(kind) {
        None => Ok(&[]),
        Some(Value::Array(objects)) => match objects.iter().find(|object| object["vhost"] != VHOST) {
            None => Ok(objects),
            Some(object) => Err(Failure::new(format!("`{service} definitions`: not in vhost {VHOST}: {object}"))),
        },
        Some(other) => Err(Failure::new(format!("`{service} definitions`: `{kind}` is not a list: {other}"))),
    }
}

fn unknown_kind<'a>(parts: &'a [(&'a str, Value)]) -> Option<(&'a str, &'a str)> {
    parts.iter().find_map(|(service, part)| {
        let keys = part.as_object()?.keys();
        let known = |key: &&String| !KINDS.iter().any(|(kind, _)| kind == key);
        keys.into_iter().find(known).map(|key| (*service, key.as_str()))
    })
}

/// The same value with the keys of its objects in alphabetical order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let keys: BTreeMap<&String, &Value> = map.iter().collect();
            keys.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect()
        }
        Value::Array(values) => values.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{assemble, render};

    fn exchange(name: &str, kind: &str) -> Value {
        json!({ "name": name, "vhost": "/", "type": kind, "durable": true, "auto_delete": false, "internal": false, "arguments": {} })
    }

    #[test]
    fn parts_are_merged_in_a_fixed_order_whatever_the_order_of_the_services() {
        let orders = json!({ "exchanges": [exchange("orders.events", "topic"), exchange("orders.dlx", "fanout")] });
        let payments = json!({ "exchanges": [exchange("orders.events", "topic")] });
        let one = assemble(&[("orders", orders.clone()), ("payments", payments.clone())]).unwrap();
        let other = assemble(&[("payments", payments), ("orders", orders)]).unwrap();
        assert_eq!(render(&one), render(&other));
        let names: Vec<&str> =
            one["exchanges"].as_array().unwrap().iter().map(|exchange| exchange["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["orders.dlx", "orders.events"]);
        let users: Vec<&str> =
            one["users"].as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap()).collect();
        assert_eq!(users, ["admin", "orders", "payments"]);
    }

    #[test]
    fn a_contradiction_names_both_services() {
        let orders = json!({ "exchanges": [exchange("orders.events", "topic")] });
        let payments = json!({ "exchanges": [exchange("orders.events", "direct")] });
        let error = assemble(&[("orders", orders), ("payments", payments)]).unwrap_err().to_string();
        assert!(error.starts_with("orders and payments declare the same of exchanges differently"), "{error}");
    }

    #[test]
    fn what_cannot_be_merged_is_refused() {
        for (part, words) in [
            (json!({ "shovels": [] }), "`shovels`, which is not merged"),
            (json!({ "queues": {} }), "`queues` is not a list"),
            (json!({ "queues": [{ "name": "q", "vhost": "other" }] }), "not in vhost /"),
        ] {
            let error = assemble(&[("orders", part)]).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn the_text_is_the_document_with_one_line_per_object() {
        let document = assemble(&[("orders", json!({ "exchanges": [exchange("orders.events", "topic")] }))]).unwrap();
        let text = render(&document);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), document);
        assert!(text.contains("  \"queues\": [],\n"), "{text}");
        assert_eq!(text.lines().filter(|line| line.contains("orders.events")).count(), 1);
    }
}

//! A device of the development broker. Each is a user that may publish its own topics to the exchange at which a service hears
//! devices, and nothing else.

use serde_json::{Value, json};

use super::document::list;

/// The scanner that the development broker knows. Its password is its name, as with the services.
pub(crate) const SCANNER: &str = "scanner-1";

/// What the scanner may do, by what the services bind to their exchanges for devices. `None` when no service hears any.
pub(super) fn rights(parts: &[(&str, Value)]) -> Option<Value> {
    let (service, part) = parts.iter().find(|(service, part)| {
        let devices = format!("{service}.devices");
        list(part, "exchanges").iter().any(|exchange| exchange["name"] == devices.as_str())
    })?;
    let exchange = format!("{service}.devices");
    let bound = list(part, "bindings").iter().filter(|binding| binding["source"] == exchange.as_str());
    let topics: Vec<String> = bound
        .filter_map(|binding| binding["routing_key"].as_str()?.strip_suffix(".*"))
        .map(|name| name.replace('.', "\\."))
        .collect();
    // The broker puts the user's name in. It bounds the key, too: one of 256 bytes would end every consumer that gets it.
    let write = format!("^({})\\.{{username}}$", topics.join("|"));
    Some(json!({
        "permissions": [{
            "user": SCANNER, "vhost": "/",
            "configure": "^$", "write": format!("^{}$", exchange.replace('.', "\\.")), "read": "^$"
        }],
        "topic_permissions": [
            { "user": SCANNER, "vhost": "/", "exchange": exchange, "write": write, "read": "^$" }
        ],
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::rights;

    #[test]
    fn a_device_may_publish_what_is_heard_under_its_own_name_and_nothing_else() {
        let inventory = json!({
            "exchanges": [{ "name": "inventory.devices" }],
            "bindings": [
                { "source": "inventory.devices", "routing_key": "warehouse.stock-counted.*" },
                { "source": "inventory.redeliver", "routing_key": "*.inventory.warehouse.stock-counted" },
            ],
        });
        let rights = rights(&[("orders", json!({})), ("inventory", inventory)]).unwrap();
        let (general, topic) = (&rights["permissions"][0], &rights["topic_permissions"][0]);
        assert_eq!(general["write"], "^inventory\\.devices$");
        assert_eq!((&general["configure"], &general["read"]), (&json!("^$"), &json!("^$")));
        assert_eq!(topic["write"], "^(warehouse\\.stock-counted)\\.{username}$");
    }

    #[test]
    fn without_a_service_that_hears_devices_there_is_none() {
        assert_eq!(rights(&[("orders", json!({ "exchanges": [{ "name": "orders.events" }] }))]), None);
    }
}

//! What the broker has, by `infra/rabbitmq/definitions.json`.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::Value;

use crate::document::{list, text};
use crate::project::{MODULES, read};

/// The generated file.
///
/// # Panics
/// When it is no JSON.
#[must_use]
pub fn definitions() -> &'static Value {
    static FILE: OnceLock<Value> = OnceLock::new();
    FILE.get_or_init(|| {
        serde_json::from_str(&read("infra/rabbitmq/definitions.json")).expect("definitions.json is JSON")
    })
}

/// The queues from which a module takes its work, in their order: those to which what is tried again comes back.
#[must_use]
pub fn work_queues(definitions: &Value, module: &str) -> Vec<String> {
    bound_to(definitions, &format!("{module}.redeliver"))
}

/// Those of them that hold requests, whose callers wait.
#[must_use]
pub fn request_queues(definitions: &Value, module: &str) -> Vec<String> {
    bound_to(definitions, &format!("{module}.requests"))
}

/// The events of its own that a module says, by its rights: not those that tell of a delivery, which nobody commits.
#[must_use]
pub fn events(definitions: &Value, module: &str) -> Vec<String> {
    let of = format!("{module}.events");
    let right = list(definitions, "/topic_permissions")
        .iter()
        .find(|right| text(right, "/user") == module && text(right, "/exchange") == of);
    let keys = right.map_or("", |right| text(right, "/write")).trim_matches(['^', '$', '(', ')']);
    let of_delivery = format!("{module}.delivery-");
    let keys = keys.split('|').map(|key| key.replace("\\.", "."));
    keys.filter(|key| !key.is_empty() && !key.starts_with(&of_delivery)).collect()
}

/// The modules that have work in queues, so that the length of those tells how many replicas are needed.
#[must_use]
pub fn consumers(definitions: &Value) -> Vec<&'static str> {
    MODULES.into_iter().filter(|module| !work_queues(definitions, module).is_empty()).collect()
}

/// Whether more replicas would not take more of it at the same time.
#[must_use]
pub fn has_one_consumer(definitions: &Value, queue: &str) -> bool {
    list(definitions, "/queues").iter().filter(|one| text(one, "/name") == queue).any(|one| {
        one.pointer("/arguments/x-single-active-consumer").is_some_and(|on| on == true)
            || text(one, "/arguments/x-queue-type") == "stream"
    })
}

fn bound_to(definitions: &Value, exchange: &str) -> Vec<String> {
    let bindings = list(definitions, "/bindings").iter().filter(|binding| text(binding, "/source") == exchange);
    let names: BTreeSet<String> = bindings.map(|binding| text(binding, "/destination").to_owned()).collect();
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modules_work_and_its_requests_are_told_apart() {
        let definitions = definitions();
        let orders = work_queues(definitions, "orders");
        assert!(orders.contains(&"orders.storefront.checkout-submitted".to_owned()), "{orders:?}");
        assert_eq!(request_queues(definitions, "orders"), ["orders.orders.get-order"]);
        assert_eq!(request_queues(definitions, "payments"), Vec::<String>::new());
        assert!(!consumers(definitions).contains(&"storefront") && consumers(definitions).contains(&"shipping"));
    }

    #[test]
    fn what_a_module_says_of_its_own_is_told_from_what_the_library_says_of_its_deliveries() {
        let events = |module| events(definitions(), module);
        assert_eq!(events("payments"), ["payments.payment-captured", "payments.payment-declined"]);
        assert_eq!(events("shipping"), ["shipping.shipment-dispatched"]);
        assert_eq!((events("notifications"), events("analytics")), (Vec::new(), Vec::new()));
    }

    #[test]
    fn a_stream_is_not_shared_among_replicas() {
        assert!(has_one_consumer(definitions(), "shop.log"));
        assert!(!has_one_consumer(definitions(), "orders.orders.get-order"));
    }
}

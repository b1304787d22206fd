//! Label selectors and blocks of addresses.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::Value;

use crate::document::{list, text};

/// Whether a selector selects these labels. The empty one selects all.
pub(super) fn selects(selector: &Value, labels: &BTreeMap<String, String>) -> Result<bool, String> {
    let known = ["matchLabels", "matchExpressions"];
    if let Some(word) =
        selector.as_object().into_iter().flatten().map(|(key, _)| key).find(|key| !known.contains(&key.as_str()))
    {
        return Err(format!("a selector has an unknown {word}"));
    }
    let wanted = selector.pointer("/matchLabels").and_then(Value::as_object);
    let all = wanted.into_iter().flatten().all(|(key, value)| labels.get(key).map(String::as_str) == value.as_str());
    for expression in list(selector, "/matchExpressions") {
        let value = labels.get(text(expression, "/key"));
        let among = value.is_some_and(|value| list(expression, "/values").iter().any(|one| one == value));
        let holds = match text(expression, "/operator") {
            "In" => among,
            "NotIn" => !among,
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            other => return Err(format!("a selector has an unknown operator {other:?}")),
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(all)
}

/// Whether an `ipBlock` contains an address.
pub(super) fn contains(block: &Value, address: Ipv4Addr) -> Result<bool, String> {
    if !within(text(block, "/cidr"), address)? {
        return Ok(false);
    }
    for except in list(block, "/except") {
        if within(except.as_str().unwrap_or_default(), address)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn within(network: &str, address: Ipv4Addr) -> Result<bool, String> {
    let fault = || format!("{network:?} is no network of IPv4");
    let (base, length) = network.split_once('/').ok_or_else(fault)?;
    let base: Ipv4Addr = base.parse().map_err(|_| fault())?;
    let length: u32 = length.parse().ok().filter(|length| *length <= 32).ok_or_else(fault)?;
    let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
    Ok(base.to_bits() & mask == address.to_bits() & mask)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_network_contains_its_addresses_but_for_the_exceptions() {
        let block = json!({ "cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"] });
        assert_eq!(contains(&block, Ipv4Addr::new(203, 0, 113, 1)), Ok(true));
        assert_eq!(contains(&block, Ipv4Addr::new(10, 9, 8, 7)), Ok(false));
        assert!(contains(&json!({ "cidr": "10.0.0.0" }), Ipv4Addr::LOCALHOST).is_err());
    }

    #[test]
    fn labels_and_expressions_have_to_hold_together() {
        let labels = BTreeMap::from([("app".to_owned(), "orders".to_owned())]);
        let selector = |operator: &str| {
            json!({
                "matchLabels": { "app": "orders" },
                "matchExpressions": [{ "key": "app", "operator": operator, "values": ["orders", "payments"] }],
            })
        };
        let selected = ["In", "NotIn", "Exists", "DoesNotExist"].map(|operator| selects(&selector(operator), &labels));
        assert_eq!(selected, [Ok(true), Ok(false), Ok(true), Ok(false)]);
        assert_eq!(selects(&json!({}), &labels), Ok(true));
        assert!(selects(&json!({ "app": "orders" }), &labels).is_err());
    }
}

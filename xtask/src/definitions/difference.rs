//! What differs between two definitions documents, in words.

use std::collections::BTreeMap;

use serde_json::Value;

use super::document::{KINDS, identity, list};

/// One line per object that is missing, left over or different in `committed`, compared with `fresh`.
pub(super) fn between(committed: &Value, fresh: &Value) -> Vec<String> {
    let named: [(&str, &[&str]); 2] = [("vhosts", &["name"]), ("users", &["name"])];
    named.into_iter().chain(KINDS).flat_map(|(kind, fields)| of_kind(kind, fields, committed, fresh)).collect()
}

fn of_kind(kind: &str, fields: &[&str], committed: &Value, fresh: &Value) -> Vec<String> {
    let by_name = |document: &Value| -> BTreeMap<String, Value> {
        list(document, kind).iter().map(|object| (identity(object, fields), object.clone())).collect()
    };
    let (old, new) = (by_name(committed), by_name(fresh));
    let missing = new.keys().filter(|name| !old.contains_key(*name)).map(|name| format!("{kind}: `{name}` is missing"));
    let extra = old
        .keys()
        .filter(|name| !new.contains_key(*name))
        .map(|name| format!("{kind}: `{name}` is declared by nobody"));
    let changed = new.iter().filter_map(|(name, wanted)| {
        let present = old.get(name).filter(|present| *present != wanted)?;
        Some(format!("{kind}: `{name}` is\n    {present}, but declared as\n    {wanted}"))
    });
    missing.chain(extra).chain(changed).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::between;

    #[test]
    fn missing_left_over_and_changed_objects_are_named() {
        let committed = json!({ "queues": [
            { "vhost": "/", "name": "old" }, { "vhost": "/", "name": "changed", "durable": false }
        ] });
        let fresh = json!({ "queues": [
            { "vhost": "/", "name": "new" }, { "vhost": "/", "name": "changed", "durable": true }
        ] });
        let lines = between(&committed, &fresh);
        assert_eq!(lines[..2], ["queues: `/ new` is missing", "queues: `/ old` is declared by nobody"]);
        assert!(lines[2].contains("`/ changed`") && lines[2].contains("\"durable\":true"), "{}", lines[2]);
        assert!(between(&fresh, &fresh).is_empty());
    }
}

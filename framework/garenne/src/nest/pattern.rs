//! Patterns: what NestJS finds a handler by.

use std::cmp::Ordering;

use garenne_contract::MessageName;
use serde_json::{Map, Number, Value};

/// Names a handler in NestJS: a text, a number, or an object, whose keys may come in any order.
///
/// ```
/// use garenne::NestPattern;
/// use serde_json::json;
///
/// let sum: NestPattern = json!({"cmd": "sum"}).into();
/// let placed: NestPattern = "order.placed".into();
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct NestPattern {
    /// As it stands in a packet.
    value: Value,
    /// As NestJS writes it to compare it, and to bind it in a topic exchange.
    route: String,
}

impl NestPattern {
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    pub(crate) fn route(&self) -> &str {
        &self.route
    }

    /// Whether it is a text in which a part between dots stands for others.
    pub(crate) fn is_wild(&self) -> bool {
        self.value.is_string() && self.route.split('.').any(|part| matches!(part, "*" | "#"))
    }

    /// Whether a topic exchange sends a message with this key to a queue that is bound with the pattern.
    pub(crate) fn matches(&self, key: &str) -> bool {
        let (wanted, given): (Vec<&str>, Vec<&str>) = (self.route.split('.').collect(), key.split('.').collect());
        matches(&wanted, &given)
    }
}

impl From<Value> for NestPattern {
    fn from(value: Value) -> Self {
        Self { route: route(&value), value }
    }
}

impl From<&str> for NestPattern {
    fn from(text: &str) -> Self {
        Value::from(text).into()
    }
}

impl From<MessageName> for NestPattern {
    fn from(name: MessageName) -> Self {
        name.as_str().into()
    }
}

/// `*` is one part, `#` any number of them.
fn matches(wanted: &[&str], given: &[&str]) -> bool {
    match (wanted, given) {
        ([], given) => given.is_empty(),
        (["#", rest @ ..], given) => (0..=given.len()).any(|skipped| matches(rest, &given[skipped..])),
        (["*", rest @ ..], [_, others @ ..]) => matches(rest, others),
        ([part, rest @ ..], [other, others @ ..]) => part == other && matches(rest, others),
        (_, []) => false,
    }
}

/// What two patterns have in common that name the same handler. NestJS takes a text that holds JSON for what it holds.
pub(super) fn route(pattern: &Value) -> String {
    let Value::String(text) = pattern else { return written(pattern) };
    match serde_json::from_str::<Value>(text) {
        Ok(inside @ (Value::Object(_) | Value::Number(_) | Value::String(_))) => written(&inside),
        _ => text.clone(),
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number_as_javascript_writes_it(number),
        Value::Object(object) => object_with_sorted_keys(object),
        other => other.to_string(),
    }
}

fn object_with_sorted_keys(object: &Map<String, Value>) -> String {
    let mut fields: Vec<(&String, &Value)> = object.iter().collect();
    fields.sort_by(|(one, _), (other, _)| in_javascripts_order(one, other));
    let fields = fields.into_iter().map(|(key, value)| {
        let value = if value.is_string() { value.to_string() } else { written(value) };
        format!("{}:{value}", Value::from(key.as_str()))
    });
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

/// `1.0` is `1` there.
fn number_as_javascript_writes_it(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float.to_string(),
        _ => number.to_string(),
    }
}

/// The order of `localeCompare` for keys of ASCII letters, digits and underscores: capitals next to their small letters.
fn in_javascripts_order(one: &str, other: &str) -> Ordering {
    let folded = |key: &str| key.chars().map(|c| (c.is_alphabetic(), c.is_numeric(), c.to_ascii_lowercase())).collect();
    let (first, second): (Vec<_>, Vec<_>) = (folded(one), folded(other));
    // Small letters first.
    first.cmp(&second).then_with(|| other.cmp(one))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_that_nestjs_takes_for_the_same_have_one_route() {
        for (pattern, expected) in [
            (json!("user.created"), "user.created"),
            (json!(7), "7"),
            (json!(7.0), "7"),
            (json!("7"), "7"),
            (json!({"cmd": "sum"}), r#"{"cmd":"sum"}"#),
            (json!({"cmd": "sum", "a": 1}), r#"{"a":1,"cmd":"sum"}"#),
            (json!(r#"{"cmd": "sum", "a": 1}"#), r#"{"a":1,"cmd":"sum"}"#),
            (json!({"b": {"d": "x\"y", "c": true}, "a": null}), r#"{"a":null,"b":{"c":true,"d":"x\"y"}}"#),
            (json!({"_z": 1, "B": 2, "a": 3, "b": 4, "1": 5}), r#"{"_z":1,"1":5,"a":3,"b":4,"B":2}"#),
        ] {
            assert_eq!(NestPattern::from(pattern.clone()).route(), expected, "{pattern}");
        }
    }

    #[test]
    fn a_wild_pattern_matches_what_a_topic_exchange_would_send_it() {
        for (pattern, yes, no) in [
            ("order.*", vec!["order.placed"], vec!["order", "order.placed.v2", "orders.placed"]),
            ("order.#", vec!["order", "order.placed", "order.placed.v2"], vec!["orders"]),
            ("#", vec!["", "a", "a.b"], vec![]),
            ("*.placed", vec!["order.placed"], vec!["placed", "a.order.placed"]),
            ("a.#.c", vec!["a.c", "a.b.c", "a.b.b.c"], vec!["a", "a.b", "c"]),
        ] {
            let wild = NestPattern::from(pattern);
            assert!(wild.is_wild(), "{pattern}");
            yes.iter().for_each(|key| assert!(wild.matches(key), "{pattern} {key}"));
            no.iter().for_each(|key| assert!(!wild.matches(key), "{pattern} {key}"));
        }
        assert!(!NestPattern::from("order.pl*ced").is_wild());
        assert!(!NestPattern::from(json!({"cmd": "*"})).is_wild());
    }
}

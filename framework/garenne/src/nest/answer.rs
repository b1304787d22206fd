//! How NestJS clients are answered.

use serde_json::{Map, Value, json};

use super::packet;
use crate::rpc::{Dialect, Problem};

/// Replies as packets.
pub(crate) static PACKETS: Dialect = Dialect { value: packet::value, end: packet::end, problem };

/// An error in the form of NestJS's own, with more to it: `code` is the last word of the problem's kind.
fn problem(problem: &Problem) -> Vec<u8> {
    let code = problem.kind.rsplit(':').next().unwrap_or_default();
    let fields = [
        ("status", json!("error")),
        ("message", json!(problem.detail)),
        ("code", json!(code)),
        ("retryable", json!(problem.retryable)),
    ];
    let mut error: Map<String, Value> = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    if !problem.error.is_null() {
        error.insert("details".to_owned(), problem.error.clone());
    }
    packet::error(&error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_to_nestjs_and_says_what_the_contract_says() {
        let written = |of: Problem| serde_json::from_slice::<Value>(&problem(&of)).unwrap();
        let refused = written(Problem::refused("more than 7".into(), json!({"limit": 7})));
        let expected = json!({
            "status": "error", "message": "more than 7", "code": "refused", "retryable": false, "details": {"limit": 7}
        });
        assert_eq!(refused, json!({"err": expected, "isDisposed": true}));
        let failed = written(Problem::failed(true));
        assert_eq!((&failed["err"]["code"], &failed["err"]["retryable"]), (&json!("failed"), &json!(true)));
        assert_eq!(failed["err"].get("details"), None);
    }
}

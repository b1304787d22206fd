//! Errors as they travel: `application/problem+json`, RFC 9457.

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::broker::Inbound;

pub(crate) const CONTENT_TYPE: &str = "application/problem+json";
/// The responder's own refusal, with its value in `error`.
pub(crate) const REFUSED: &str = "urn:garenne:refused";
const FAILED: &str = "urn:garenne:failed";
const MALFORMED: &str = "urn:garenne:malformed";
const EXPIRED: &str = "urn:garenne:expired";

/// Why a responder did not answer, when it was not the error that the request's contract names.
///
/// Responders of other libraries say it in forms of their own. Whatever they say is kept: a member that is not named here, or
/// has another type than here, stands in `members`; a body that is no JSON object stands in `error`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Problem {
    /// What kind of problem it is, as a URI. Ours begin with `urn:garenne:`; it is `about:blank` when the responder does not say.
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The nearest HTTP status.
    pub status: u16,
    /// This occurrence in words.
    pub detail: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// The responder's own error value.
    pub error: Value,
    /// Everything else that the responder said.
    pub members: Map<String, Value>,
}

impl Default for Problem {
    fn default() -> Self {
        Self::new("about:blank", "The request failed", 500, String::new())
    }
}

impl Problem {
    fn new(kind: &str, title: &str, status: u16, detail: String) -> Self {
        let (kind, title) = (kind.to_owned(), title.to_owned());
        Self { kind, title, status, detail, retryable: false, error: Value::Null, members: Map::new() }
    }

    /// The responder refused for a reason that the contract names.
    pub(crate) fn refused(detail: String, error: Value) -> Self {
        Self { error, ..Self::new(REFUSED, "The request was refused", 422, detail) }
    }

    /// The handler failed. What exactly went wrong stays in the responder's log.
    pub(crate) fn failed(retryable: bool) -> Self {
        let detail = "the responder failed; its log says why".to_owned();
        Self { retryable, ..Self::new(FAILED, "The request failed", 500, detail) }
    }

    /// The body is not what the request's contract says.
    pub(crate) fn malformed(detail: String) -> Self {
        Self::new(MALFORMED, "The request is malformed", 400, detail)
    }

    /// The request was taken up after its caller had stopped waiting.
    pub(crate) fn expired() -> Self {
        Self::new(EXPIRED, "The request came too late", 504, "its deadline had passed".to_owned())
    }

    /// Whether a reply says that it is one: the media type may be written in capitals and have parameters.
    pub(crate) fn is(reply: &Inbound) -> bool {
        let content_type = reply.properties.content_type().unwrap_or_default();
        content_type.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case(CONTENT_TYPE))
    }

    /// Reads whatever a responder may have sent.
    pub(crate) fn read(body: &[u8]) -> Self {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Self::of(members),
            Ok(error) => Self { error, ..Self::default() },
            Err(_) => Self { error: Value::String(String::from_utf8_lossy(body).into_owned()), ..Self::default() },
        }
    }

    fn of(mut members: Map<String, Value>) -> Self {
        let blank = Self::default();
        Self {
            kind: take(&mut members, "type").unwrap_or(blank.kind),
            title: take(&mut members, "title").unwrap_or(blank.title),
            status: take(&mut members, "status").unwrap_or(blank.status),
            detail: take(&mut members, "detail").unwrap_or(blank.detail),
            retryable: take(&mut members, "retryable").unwrap_or(blank.retryable),
            error: take(&mut members, "error").unwrap_or(blank.error),
            members,
        }
    }
}

/// Takes a member out, if it is what it should be.
fn take<T: DeserializeOwned>(members: &mut Map<String, Value>, name: &str) -> Option<T> {
    let read = serde_json::from_value(members.get(name)?.clone()).ok()?;
    members.remove(name);
    Some(read)
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = Map::from_iter([
            ("type".to_owned(), Value::from(self.kind.as_str())),
            ("title".to_owned(), Value::from(self.title.as_str())),
            ("status".to_owned(), Value::from(self.status)),
            ("detail".to_owned(), Value::from(self.detail.as_str())),
            ("retryable".to_owned(), Value::from(self.retryable)),
        ]);
        if !self.error.is_null() {
            all.insert("error".to_owned(), self.error.clone());
        }
        all.extend(self.members.clone());
        all.serialize(serializer)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_sent_is_read_again() {
        let problem = Problem::refused("more than 1000".into(), json!({"limit": 1000}));
        assert_eq!(Problem::read(&serde_json::to_vec(&problem).unwrap()), problem);
    }

    #[test]
    fn an_error_of_an_unknown_shape_is_kept_as_data() {
        let body =
            json!({"title": "No credit", "status": "low", "type": ["x"], "balance": 30, "instance": "/account/12"});
        let problem = Problem::read(body.to_string().as_bytes());
        assert_eq!((problem.title.as_str(), problem.status, problem.kind.as_str()), ("No credit", 500, "about:blank"));
        let kept = json!({"status": "low", "type": ["x"], "balance": 30, "instance": "/account/12"});
        assert_eq!(Value::Object(problem.members.clone()), kept);
        let again = serde_json::to_value(&problem).unwrap();
        assert_eq!((&again["status"], &again["balance"]), (&json!("low"), &json!(30)));
        assert_eq!(Problem::read(b"[1,2]").error, json!([1, 2]));
        assert_eq!(Problem::read(b"out of \xff paper").error, json!("out of \u{fffd} paper"));
    }
}

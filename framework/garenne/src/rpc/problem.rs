//! Errors as they travel: `application/problem+json`, RFC 9457.

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) const CONTENT_TYPE: &str = "application/problem+json";
/// The responder's own refusal, with its value in `error`.
pub(crate) const REFUSED: &str = "urn:garenne:refused";
const FAILED: &str = "urn:garenne:failed";
const MALFORMED: &str = "urn:garenne:malformed";
const EXPIRED: &str = "urn:garenne:expired";

/// Why a responder did not answer, when it was not the error that the request's contract names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Problem {
    /// What kind of problem it is, as a URI.
    #[serde(rename = "type")]
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
    #[serde(skip_serializing_if = "Value::is_null")]
    pub error: Value,
}

impl Default for Problem {
    fn default() -> Self {
        Self::new("about:blank", "The request failed", 500, String::new())
    }
}

impl Problem {
    fn new(kind: &str, title: &str, status: u16, detail: String) -> Self {
        Self { kind: kind.to_owned(), title: title.to_owned(), status, detail, retryable: false, error: Value::Null }
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
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

//! Errors as `application/problem+json` (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use contracts::values::OrderId;
use serde_json::json;

use crate::checkout::FieldError;
use crate::shop::Trouble;

/// What went wrong with a request. It has no `type`, so the title is the status' own phrase.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<FieldError>,
    order_id: Option<OrderId>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new(), order_id: None }
    }

    pub(super) fn fields(status: StatusCode, detail: impl Into<String>, errors: Vec<FieldError>) -> Self {
        Self { status, detail: detail.into(), errors, order_id: None }
    }

    /// Names the order whose fate is not known: sending it again under this number is safe.
    pub(super) fn about(self, order_id: OrderId) -> Self {
        Self { order_id: Some(order_id), ..self }
    }
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Self {
        let status = match trouble {
            Trouble::Away => StatusCode::SERVICE_UNAVAILABLE,
            Trouble::Silent => StatusCode::GATEWAY_TIMEOUT,
            Trouble::Failed => StatusCode::BAD_GATEWAY,
        };
        Self::new(status, trouble.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if !self.errors.is_empty() {
            body["errors"] = json!(self.errors);
        }
        if let Some(order_id) = self.order_id {
            body["order_id"] = json!(order_id);
        }
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

//! Around every route: a time limit, and the headers that keep a browser from doing what the page never asks for.

use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::problem::Problem;
use crate::shop::PATIENCE;

/// How long a request may take until its response begins. The shop answers within [`PATIENCE`], so what takes
/// longer is a client that does not finish its request.
const REQUEST_LIMIT: Duration = PATIENCE.saturating_add(Duration::from_secs(5));

const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

pub(super) async fn guard(request: Request, next: Next) -> Response {
    let mut response = tokio::time::timeout(REQUEST_LIMIT, next.run(request)).await.unwrap_or_else(|_| {
        let detail = format!("the request was not complete after {} seconds", REQUEST_LIMIT.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, detail).into_response()
    });
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What the shop says is true for a moment; the page's own files say for themselves how long they live.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

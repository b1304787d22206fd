//! `POST /api/checkouts`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::checkout;
use crate::http::Site;
use crate::http::problem::Problem;

/// The longest body, in bytes: fifty lines need a twentieth of it.
const BODY_LIMIT: usize = 64 * 1024;

pub(super) fn body_limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(BODY_LIMIT)
}

/// Answers once the broker has confirmed the message; what becomes of the order is asked under `Location`.
pub(super) async fn submit(
    State(site): State<Site>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<impl IntoResponse, Problem> {
    if !is_json(&headers) {
        let detail = "a checkout is JSON: send it with content-type application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a checkout has at most {BODY_LIMIT} bytes"))
        }
        status => Problem::new(status, rejection.body_text()),
    })?;
    let body: Value = serde_json::from_slice(&body)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}")))?;
    let checkout = checkout::read(&body).map_err(|errors| {
        let detail = "the checkout cannot be accepted; errors names every field that has to change";
        Problem::fields(StatusCode::UNPROCESSABLE_ENTITY, detail, errors)
    })?;
    let order_id = checkout.order_id;
    site.shop.submit(checkout).await.map_err(|trouble| Problem::from(trouble).about(order_id))?;
    let location = [(header::LOCATION, format!("/api/orders/{order_id}"))];
    Ok((StatusCode::ACCEPTED, location, Json(json!({"order_id": order_id}))))
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

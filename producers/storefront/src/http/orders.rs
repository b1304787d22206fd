//! `GET /api/orders/{order_id}`.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use contracts::orders::OrderView;
use contracts::values::OrderId;

use crate::http::Site;
use crate::http::problem::Problem;

pub(super) async fn show(
    State(site): State<Site>,
    order_id: Result<Path<String>, PathRejection>,
) -> Result<Json<OrderView>, Problem> {
    let order_id = read_id(order_id)?;
    let unknown = || Problem::new(StatusCode::NOT_FOUND, format!("there is no order {order_id} (perhaps not yet)"));
    site.shop.order(order_id).await?.map(Json).ok_or_else(unknown)
}

pub(super) fn read_id(path: Result<Path<String>, PathRejection>) -> Result<OrderId, Problem> {
    path.ok()
        .and_then(|Path(text)| text.parse().ok())
        .ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "an order's number is a UUID"))
}

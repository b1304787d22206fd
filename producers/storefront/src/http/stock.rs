//! `GET /api/stock` and `GET /api/stock/{sku}`.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use contracts::inventory::StockLevel;
use contracts::values::Sku;

use crate::http::Site;
use crate::http::problem::Problem;

pub(super) async fn list(State(site): State<Site>) -> Result<Json<Vec<StockLevel>>, Problem> {
    Ok(Json(site.shop.stock().await?))
}

pub(super) async fn show(
    State(site): State<Site>,
    sku: Result<Path<String>, PathRejection>,
) -> Result<Json<StockLevel>, Problem> {
    let Path(text) = sku.map_err(|rejection| Problem::new(StatusCode::BAD_REQUEST, rejection.body_text()))?;
    let sku = Sku::new(text).map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    let unknown = Problem::new(StatusCode::NOT_FOUND, format!("there is no article {sku}"));
    site.shop.article(sku).await?.map(Json).ok_or(unknown)
}

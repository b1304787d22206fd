//! The HTTP interface and the page: one file per group of routes.

mod checkouts;
mod connection;
mod guard;
mod live;
mod orders;
mod page;
mod problem;
mod server;
mod stock;
mod traced;

use std::sync::Arc;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use garenne::Tracer;
use tokio::sync::{Semaphore, watch};

use crate::http::problem::Problem;
use crate::live::Live;
use crate::shop::Shop;

pub use server::{bind, serve};

/// The most event streams at a time; each holds a connection open.
const STREAMS_LIMIT: usize = 256;

/// What the routes share.
#[derive(Clone)]
pub struct Site {
    shop: Arc<dyn Shop>,
    live: Arc<Live>,
    /// Turns true when the streams shall end.
    stopping: watch::Receiver<bool>,
    streams: Arc<Semaphore>,
    tracer: Tracer,
}

impl Site {
    /// A site on this shop and this live feed; event streams end when `stopping` turns true.
    #[must_use]
    pub fn new(shop: Arc<dyn Shop>, live: Arc<Live>, stopping: watch::Receiver<bool>) -> Self {
        Self { shop, live, stopping, streams: Arc::new(Semaphore::new(STREAMS_LIMIT)), tracer: Tracer::default() }
    }

    /// The same site, of which each request is a span.
    #[must_use]
    pub fn traced(self, tracer: Tracer) -> Self {
        Self { tracer, ..self }
    }
}

fn router(site: Site) -> Router {
    Router::new()
        .route("/api/checkouts", post(checkouts::submit).layer(checkouts::body_limit()))
        .route("/api/orders/{order_id}", get(orders::show))
        .route("/api/orders/{order_id}/live", get(live::of_order))
        .route("/api/live", get(live::of_shop))
        .route("/api/stock", get(stock::list))
        .route("/api/stock/{sku}", get(stock::show))
        .merge(page::routes())
        .fallback(no_such_page)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn(guard::guard))
        .layer(from_fn_with_state(site.tracer.clone(), traced::traced))
        .with_state(site)
}

async fn no_such_page(uri: Uri) -> Response {
    Problem::new(StatusCode::NOT_FOUND, format!("there is nothing at {}", uri.path())).into_response()
}

async fn no_such_method(method: Method, uri: Uri) -> Response {
    let detail = format!("{} does not take {method}; the header Allow says what it takes", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).into_response()
}

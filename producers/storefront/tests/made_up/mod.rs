//! A shop that is made up: it takes every checkout, has seven blue mugs and one order.

#![expect(clippy::unwrap_used, reason = "a test ends where its scene cannot be set")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contracts::inventory::StockLevel;
use contracts::orders::{OrderStatus, OrderView};
use contracts::storefront::CheckoutSubmitted;
use contracts::values::{Money, OrderId, Sku};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use storefront::http::{self, Site};
use storefront::{Live, Said, Shop, Trouble};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use ureq::http::Response;
use ureq::{Agent, Body};

/// The one order that is known.
pub(crate) const ORDER: &str = "01926f3e-7c3a-7b60-8f00-3c6a3f6a5b11";

/// An open storefront on a free port.
pub(crate) struct Open {
    pub(crate) address: SocketAddr,
    pub(crate) live: Arc<Live>,
    stop: watch::Sender<bool>,
    submitted: Arc<Mutex<Vec<CheckoutSubmitted>>>,
    agent: Agent,
    _runtime: Runtime,
}

struct MadeUp {
    trouble: Option<Trouble>,
    submitted: Arc<Mutex<Vec<CheckoutSubmitted>>>,
}

impl Open {
    /// Opens a storefront whose shop answers with this trouble, or well.
    pub(crate) fn shop(trouble: Option<Trouble>) -> Self {
        let runtime = Runtime::new().unwrap();
        let (live, (stop, stopping)) = (Arc::new(Live::default()), watch::channel(false));
        let submitted = Arc::default();
        let shop = MadeUp { trouble, submitted: Arc::clone(&submitted) };
        let site = Site::new(Arc::new(shop), Arc::clone(&live), stopping);
        let listener = runtime.block_on(http::bind(([127, 0, 0, 1], 0).into())).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(http::serve(listener, site));
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(20)));
        Self { address, live, stop, submitted, agent: config.build().into(), _runtime: runtime }
    }

    pub(crate) fn get(&self, path: &str) -> Response<Body> {
        self.agent.get(format!("http://{}{path}", self.address)).call().unwrap()
    }

    pub(crate) fn get_with(&self, path: &str, header: &str, value: &str) -> Response<Body> {
        self.agent.get(format!("http://{}{path}", self.address)).header(header, value).call().unwrap()
    }

    pub(crate) fn post(&self, content_type: &str, body: String) -> Response<Body> {
        let request = self.agent.post(format!("http://{}/api/checkouts", self.address));
        request.content_type(content_type).send(body).unwrap()
    }

    pub(crate) fn submitted(&self) -> Vec<CheckoutSubmitted> {
        self.submitted.lock().unwrap().clone()
    }

    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }
}

impl MadeUp {
    fn answer<T: Send + 'static>(&self, value: T) -> BoxFuture<'_, Result<T, Trouble>> {
        let answer = self.trouble.map_or(Ok(value), Err);
        Box::pin(async move { answer })
    }
}

impl Shop for MadeUp {
    fn submit(&self, checkout: CheckoutSubmitted) -> BoxFuture<'_, Result<(), Trouble>> {
        if self.trouble.is_none() {
            self.submitted.lock().unwrap().push(checkout);
        }
        self.answer(())
    }

    fn order(&self, order_id: OrderId) -> BoxFuture<'_, Result<Option<OrderView>, Trouble>> {
        let lines = serde_json::from_value(checkout()["lines"].clone()).unwrap();
        let view = OrderView { order_id, status: OrderStatus::Placed, lines, total: None, cancel_reason: None };
        self.answer((order_id.to_string() == ORDER).then_some(view))
    }

    fn stock(&self) -> BoxFuture<'_, Result<Vec<StockLevel>, Trouble>> {
        self.answer(vec![mug()])
    }

    fn article(&self, sku: Sku) -> BoxFuture<'_, Result<Option<StockLevel>, Trouble>> {
        self.answer(Some(mug()).filter(|level| level.sku == sku))
    }
}

fn mug() -> StockLevel {
    let sku = Sku::new("MUG-BLUE").unwrap();
    StockLevel { sku, name: "Blue mug".to_owned(), price: Money::euro_cents(1250), available: 7 }
}

/// A checkout without an order's number.
pub(crate) fn checkout() -> Value {
    json!({
        "customer": {"name": "Ada Lovelace", "email": "ada@example.org"},
        "lines": [{"sku": "MUG-BLUE", "quantity": 2}],
        "card": "tok_ok"
    })
}

pub(crate) fn body_of(response: Response<Body>) -> Value {
    response.into_body().read_json().unwrap()
}

/// Lets the storefront overhear a message about [`ORDER`].
pub(crate) fn hear(live: &Live, name: &str, sent_at: u64) {
    let body = json!({"order_id": ORDER});
    live.hear(Said { name: name.to_owned(), message_id: None, correlation_id: None, sent_at, body });
}

/// What binding an address that is taken says.
pub(crate) fn bind_error(address: SocketAddr) -> String {
    Runtime::new().unwrap().block_on(http::bind(address)).unwrap_err()
}

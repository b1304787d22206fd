//! What the HTTP interface needs from the rest of the shop, so that it is tested without a broker.

use std::fmt;
use std::time::Duration;

use contracts::inventory::StockLevel;
use contracts::orders::OrderView;
use contracts::storefront::CheckoutSubmitted;
use contracts::values::{OrderId, Sku};
use futures_util::future::BoxFuture;

/// How long anything that the HTTP interface asks for may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The rest of the shop. Every answer comes within 5 seconds.
pub trait Shop: Send + Sync + 'static {
    /// Says that a customer submitted a checkout; resolves once the broker has confirmed it.
    fn submit(&self, checkout: CheckoutSubmitted) -> BoxFuture<'_, Result<(), Trouble>>;
    /// Where an order stands; `None` when it is unknown.
    fn order(&self, order_id: OrderId) -> BoxFuture<'_, Result<Option<OrderView>, Trouble>>;
    /// Every article.
    fn stock(&self) -> BoxFuture<'_, Result<Vec<StockLevel>, Trouble>>;
    /// One article; `None` when there is none.
    fn article(&self, sku: Sku) -> BoxFuture<'_, Result<Option<StockLevel>, Trouble>>;
}

/// Why the rest of the shop did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The broker or the service is away; trying again soon may help.
    Away,
    /// No answer in time; whether the request was heard is not known.
    Silent,
    /// The service answered with something that is no answer.
    Failed,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Away => "the part of the shop that is needed is away at the moment; try again in a few seconds",
            Self::Silent => "the part of the shop that is needed did not answer in time; try again",
            Self::Failed => "the part of the shop that is needed failed; the operators see why in its log",
        })
    }
}

//! What `inventory` says and answers: stock and prices.

use std::fmt;

use garenne_contract::{Event, Request};
use serde::{Deserialize, Serialize};

use crate::values::{CardToken, Money, OrderId, OrderLines, Sku};

/// Every line of the order was taken from the shelf.
#[derive(Debug, Clone, PartialEq, Eq, Event, Serialize, Deserialize)]
#[event(name = "inventory.stock-reserved", key = order_id)]
pub struct StockReserved {
    /// The order.
    pub order_id: OrderId,
    /// What it costs: the prices are `inventory`'s.
    pub total: Money,
    /// What it is paid with, as the order said.
    pub card: CardToken,
}

/// Nothing was taken from the shelf: at least one line cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, Event, Serialize, Deserialize)]
#[event(name = "inventory.stock-rejected", key = order_id)]
pub struct StockRejected {
    /// The order.
    pub order_id: OrderId,
    /// The first article that cannot be served.
    pub sku: Sku,
    /// Units of it on the shelf; absent when there is no such article.
    pub available: Option<u32>,
}

/// What was reserved for a cancelled order is back on the shelf.
#[derive(Debug, Clone, PartialEq, Eq, Event, Serialize, Deserialize)]
#[event(name = "inventory.stock-released", key = order_id)]
pub struct StockReleased {
    /// The order.
    pub order_id: OrderId,
    /// What is back.
    pub lines: OrderLines,
}

/// Price and units on the shelf of one article.
#[derive(Debug, Clone, PartialEq, Eq, Request, Serialize, Deserialize)]
#[request(name = "inventory.check-stock", reply = StockLevel, error = UnknownArticle)]
pub struct CheckStock {
    /// The article.
    pub sku: Sku,
}

/// Price and units on the shelf of every article, sorted by number.
#[derive(Debug, Clone, PartialEq, Eq, Request, Serialize, Deserialize)]
#[request(name = "inventory.list-stock", reply = Vec<StockLevel>)]
pub struct ListStock {}

/// One article on the shelf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLevel {
    /// The article.
    pub sku: Sku,
    /// What people call it.
    pub name: String,
    /// The price of one unit.
    pub price: Money,
    /// Units that can be ordered now.
    pub available: u32,
}

/// There is no such article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownArticle {
    /// What was asked for.
    pub sku: Sku,
}

impl fmt::Display for UnknownArticle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no article {}", self.sku)
    }
}

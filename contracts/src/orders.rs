//! What `orders` says and answers: the life of an order.

use std::fmt;

use garenne_contract::{Event, Request};
use serde::{Deserialize, Serialize};

use crate::values::{CardToken, Customer, Money, OrderId, OrderLines};

/// A customer's order was accepted and stored.
#[derive(Debug, Clone, PartialEq, Eq, Event, Serialize, Deserialize)]
#[event(name = "orders.order-placed", key = order_id)]
pub struct OrderPlaced {
    /// The order.
    pub order_id: OrderId,
    /// What is bought.
    pub lines: OrderLines,
    /// What it is paid with.
    pub card: CardToken,
}

/// The money was captured: the parcel may leave.
#[derive(Debug, Clone, PartialEq, Eq, Event, Serialize, Deserialize)]
#[event(name = "orders.order-confirmed", key = order_id)]
pub struct OrderConfirmed {
    /// The order.
    pub order_id: OrderId,
    /// Who bought.
    pub customer: Customer,
    /// What to pack.
    pub lines: OrderLines,
    /// What was paid.
    pub total: Money,
}

/// The order came to nothing. What was reserved for it is free again.
#[derive(Debug, Clone, PartialEq, Eq, Event, Serialize, Deserialize)]
#[event(name = "orders.order-cancelled", key = order_id)]
pub struct OrderCancelled {
    /// The order.
    pub order_id: OrderId,
    /// Who wanted to buy.
    pub customer: Customer,
    /// Why it was cancelled.
    pub reason: CancelReason,
}

/// Why an order was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CancelReason {
    /// An article was unknown or not on the shelf in that number.
    OutOfStock,
    /// The payment provider declined the card.
    PaymentDeclined,
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfStock => "out of stock",
            Self::PaymentDeclined => "payment declined",
        })
    }
}

/// Where an order stands.
#[derive(Debug, Clone, PartialEq, Eq, Request, Serialize, Deserialize)]
#[request(name = "orders.get-order", reply = OrderView, error = UnknownOrder)]
pub struct GetOrder {
    /// The order.
    pub order_id: OrderId,
}

/// An order as `orders` knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// The order.
    pub order_id: OrderId,
    /// Where it stands.
    pub status: OrderStatus,
    /// What is bought.
    pub lines: OrderLines,
    /// What it costs; known once the stock is reserved.
    pub total: Option<Money>,
    /// Why it was cancelled, when it was.
    pub cancel_reason: Option<CancelReason>,
}

/// The stations of an order's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderStatus {
    /// Stored; stock is being reserved.
    Placed,
    /// Stock is reserved; the money is being captured.
    Reserved,
    /// Paid; the parcel is being packed.
    Confirmed,
    /// The parcel left. An end.
    Dispatched,
    /// Came to nothing. An end.
    Cancelled,
}

/// `orders` knows no such order (perhaps not yet).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownOrder {
    /// What was asked for.
    pub order_id: OrderId,
}

impl fmt::Display for UnknownOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no order {}", self.order_id)
    }
}

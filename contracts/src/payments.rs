//! What `payments` says.

use garenne_contract::Event;
use serde::{Deserialize, Serialize};

use crate::values::{Money, OrderId};

/// The provider took the money.
#[derive(Debug, Clone, PartialEq, Eq, Event, Serialize, Deserialize)]
#[event(name = "payments.payment-captured", key = order_id)]
pub struct PaymentCaptured {
    /// The order.
    pub order_id: OrderId,
    /// What was taken.
    pub amount: Money,
    /// The attempt that succeeded, from 1.
    pub attempt: u32,
}

/// The provider will not take the money from this card.
#[derive(Debug, Clone, PartialEq, Eq, Event, Serialize, Deserialize)]
#[event(name = "payments.payment-declined", key = order_id)]
pub struct PaymentDeclined {
    /// The order.
    pub order_id: OrderId,
    /// In the provider's words.
    pub reason: String,
}

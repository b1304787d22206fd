//! What the storefront says.

use garenne_contract::Event;
use serde::{Deserialize, Serialize};

use crate::values::{CardToken, Customer, OrderId, OrderLines};

/// A customer pressed "buy".
#[derive(Debug, Clone, PartialEq, Eq, Event, Serialize, Deserialize)]
#[event(name = "storefront.checkout-submitted", key = order_id)]
pub struct CheckoutSubmitted {
    /// Made up by whoever submits; submitting the same twice is one order.
    pub order_id: OrderId,
    /// Who buys.
    pub customer: Customer,
    /// What is bought.
    pub lines: OrderLines,
    /// What it is paid with.
    pub card: CardToken,
}

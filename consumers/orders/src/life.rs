//! The stations of an order, as a pure function of what is reported about it.

use std::fmt;

use contracts::orders::{CancelReason, OrderStatus};
use contracts::values::Money;

/// Where an order stands.
///
/// Reports are merged, not replayed: whatever the sequence in which they arrive, and however often, the same
/// reports lead to the same station. A report that overtakes another one is not put off until the other has
/// come: if that other one were lost in a dead-letter queue, it would be lost with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// The furthest station that was reported.
    pub status: OrderStatus,
    /// What it costs; known once the stock is reserved.
    pub total: Option<Money>,
    /// Why it was cancelled, when it was.
    pub cancel_reason: Option<CancelReason>,
}

/// What another service reports about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// All its lines were taken from the shelf, at this price.
    Reserved(Money),
    /// Nothing was taken from the shelf.
    Rejected,
    /// This amount was paid.
    Captured(Money),
    /// The card was declined.
    Declined,
    /// The parcel left.
    Dispatched,
}

/// A report that cannot be true together with earlier ones: people have to look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contradiction {
    /// Where the order stood.
    pub life: Life,
    /// What was reported then.
    pub fact: Fact,
}

impl Life {
    /// Of an order that was just placed.
    pub const START: Self = Self { status: OrderStatus::Placed, total: None, cancel_reason: None };

    /// This life with one more report.
    ///
    /// # Errors
    ///
    /// When the report contradicts what is known, such as a payment for a cancelled order.
    pub fn after(self, fact: Fact) -> Result<Self, Contradiction> {
        use CancelReason::{OutOfStock, PaymentDeclined};
        use OrderStatus::{Cancelled, Confirmed, Dispatched, Placed, Reserved};

        let merged = match (fact, self.status, self.cancel_reason) {
            (Fact::Reserved(total), status, None | Some(PaymentDeclined)) => {
                Self { status: further(status, Reserved), total: self.total.or(Some(total)), ..self }
            }
            (Fact::Captured(amount), status, None) => {
                Self { status: further(status, Confirmed), total: Some(amount), ..self }
            }
            (Fact::Dispatched, status, None) => Self { status: further(status, Dispatched), ..self },
            (Fact::Rejected, Placed, _) | (Fact::Rejected, _, Some(OutOfStock)) => {
                Self { status: Cancelled, cancel_reason: Some(OutOfStock), ..self }
            }
            (Fact::Declined, Placed | Reserved, _) | (Fact::Declined, _, Some(PaymentDeclined)) => {
                Self { status: Cancelled, cancel_reason: Some(PaymentDeclined), ..self }
            }
            _ => return Err(Contradiction { life: self, fact }),
        };
        Ok(merged)
    }
}

fn further(one: OrderStatus, other: OrderStatus) -> OrderStatus {
    if rank(one) < rank(other) { other } else { one }
}

fn rank(status: OrderStatus) -> u8 {
    match status {
        OrderStatus::Placed => 0,
        OrderStatus::Reserved => 1,
        OrderStatus::Confirmed => 2,
        OrderStatus::Dispatched => 3,
        OrderStatus::Cancelled => 4,
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is reported for an order that is {:?}", self.fact, self.life.status)?;
        match self.life.cancel_reason {
            Some(reason) => write!(f, " ({reason})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Contradiction {}

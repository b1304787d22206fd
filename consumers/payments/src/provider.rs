//! Who takes the money.

use contracts::values::{CardToken, Money, OrderId};

/// A payment provider.
pub trait PaymentProvider: Send + Sync + 'static {
    /// Takes this amount from the card.
    ///
    /// The order is the idempotency key: asked again for the same order, the provider gives the same answer and
    /// takes nothing more.
    ///
    /// # Errors
    ///
    /// When there was no answer. The money may have been taken or not: ask again.
    fn capture(
        &self,
        order_id: OrderId,
        amount: Money,
        card: &CardToken,
    ) -> impl Future<Output = Result<Answer, Unreachable>> + Send;
}

/// What the provider answers, once and for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It took the money.
    Captured,
    /// It will not.
    Declined {
        /// In its own words.
        reason: String,
    },
}

/// The provider did not answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payment provider did not answer: {0}")]
pub struct Unreachable(pub String);

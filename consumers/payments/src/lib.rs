//! Charges: once the stock is reserved, the money is captured, once per order.

mod app;
mod charge_card;
mod config;
mod provider;
mod simulated;

use contracts::payments::{PaymentCaptured, PaymentDeclined};
use garenne::{Options, Service};

pub use app::{Asked, Charge, ChargeError, Payments};
pub use provider::{Answer, PaymentProvider, Unreachable};
pub use simulated::SimulatedProvider;

/// The service's table of contents.
pub fn service() -> Service<Payments> {
    Service::new("payments")
        .stores_in(Payments::store)
        .on_with(charge_card::charge_card, Options::new().attempts(5))
        .publishes::<PaymentCaptured>()
        .publishes::<PaymentDeclined>()
}

//! What is asked and answered: small JSON, as in the shop.

use garenne::{NoError, Request};
use serde::{Deserialize, Serialize};

/// How many of an article are on the shelf?
#[derive(Debug, Request, Serialize, Deserialize)]
#[request(name = "warehouse.check-stock", reply = StockLevel, error = NoError)]
pub(crate) struct CheckStock {
    pub(crate) sku: String,
    pub(crate) quantity: u32,
}

/// The answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StockLevel {
    pub(crate) sku: String,
    pub(crate) units: u64,
    pub(crate) price_cents: u32,
}

impl CheckStock {
    pub(crate) fn about(number: u32) -> Self {
        Self { sku: "MUG-BLUE".into(), quantity: number }
    }

    /// An answer that tells which question it belongs to.
    pub(crate) fn answer(self) -> StockLevel {
        StockLevel { sku: self.sku, units: u64::from(self.quantity) * 2, price_cents: 1_250 }
    }
}

impl StockLevel {
    /// Whether it answers the question with this number.
    pub(crate) fn belongs_to(&self, number: u32) -> bool {
        self.units == u64::from(number) * 2
    }
}

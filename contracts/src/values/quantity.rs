//! How many.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::InvalidValue;

/// The most units of one article in one order.
pub const QUANTITY_LIMIT: u32 = 1_000;

/// Units of an article, 1 to [`QUANTITY_LIMIT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "u32")]
pub struct Quantity(u32);

impl Quantity {
    /// The number of units.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<i64> for Quantity {
    type Error = InvalidValue;

    fn try_from(units: i64) -> Result<Self, Self::Error> {
        u32::try_from(units)
            .ok()
            .filter(|units| (1..=QUANTITY_LIMIT).contains(units))
            .map(Self)
            .ok_or_else(|| InvalidValue::new("quantity", &units.to_string(), "a whole number from 1 to 1000"))
    }
}

impl From<Quantity> for u32 {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

//! How many lie on a shelf.

use serde::{Deserialize, Serialize};

use super::InvalidValue;

/// The most units of one article that are believed to lie on a shelf.
pub const UNITS_LIMIT: u32 = 1_000_000;

/// Units of an article on a shelf, 0 to [`UNITS_LIMIT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "u32")]
pub struct Units(u32);

impl Units {
    /// The number of units.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<i64> for Units {
    type Error = InvalidValue;

    fn try_from(units: i64) -> Result<Self, Self::Error> {
        u32::try_from(units)
            .ok()
            .filter(|units| *units <= UNITS_LIMIT)
            .map(Self)
            .ok_or_else(|| InvalidValue::new("number of units", &units.to_string(), "a whole number from 0 to 1000000"))
    }
}

impl From<Units> for u32 {
    fn from(units: Units) -> Self {
        units.0
    }
}

//! Amounts of money.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Quantity;

/// An amount in minor units (cents): `{"amount": 1999, "currency": "EUR"}`. Never a floating point number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units, such as cents.
    pub amount: i64,
    /// What the minor units are of.
    pub currency: Currency,
}

/// A currency, by its ISO 4217 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Currency {
    /// Euro; the minor unit is the cent.
    #[serde(rename = "EUR")]
    Eur,
}

/// The sum does not fit into 64 bits, or mixes currencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoneyOverflow;

impl Money {
    /// An amount of euro cents.
    #[must_use]
    pub const fn euro_cents(amount: i64) -> Self {
        Self { amount, currency: Currency::Eur }
    }

    /// This amount and another one.
    ///
    /// # Errors
    ///
    /// When the sum does not fit or the currencies differ.
    pub fn plus(self, other: Self) -> Result<Self, MoneyOverflow> {
        if self.currency != other.currency {
            return Err(MoneyOverflow);
        }
        let amount = self.amount.checked_add(other.amount).ok_or(MoneyOverflow)?;
        Ok(Self { amount, ..self })
    }

    /// This amount for each of so many units.
    ///
    /// # Errors
    ///
    /// When the product does not fit.
    pub fn times(self, units: Quantity) -> Result<Self, MoneyOverflow> {
        let amount = self.amount.checked_mul(i64::from(units.get())).ok_or(MoneyOverflow)?;
        Ok(Self { amount, ..self })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, absolute) =
            if self.amount < 0 { ("-", self.amount.unsigned_abs()) } else { ("", self.amount.unsigned_abs()) };
        let Currency::Eur = self.currency;
        write!(f, "{sign}{}.{:02} EUR", absolute / 100, absolute % 100)
    }
}

impl fmt::Display for MoneyOverflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the amount does not fit into 64 bits of minor units of one currency")
    }
}

impl std::error::Error for MoneyOverflow {}

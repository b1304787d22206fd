//! What is bought.

use serde::{Deserialize, Serialize};

use super::{InvalidValue, Quantity, Sku};

/// The most lines in one order.
pub const LINES_LIMIT: usize = 50;

/// One article and how many of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The article.
    pub sku: Sku,
    /// Units of it.
    pub quantity: Quantity,
}

/// The lines of an order: 1 to [`LINES_LIMIT`], each article once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<OrderLine>", into = "Vec<OrderLine>")]
pub struct OrderLines(Vec<OrderLine>);

impl OrderLines {
    /// Each line, in the order in which the customer named it.
    pub fn iter(&self) -> std::slice::Iter<'_, OrderLine> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a OrderLines {
    type Item = &'a OrderLine;
    type IntoIter = std::slice::Iter<'a, OrderLine>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl TryFrom<Vec<OrderLine>> for OrderLines {
    type Error = InvalidValue;

    fn try_from(lines: Vec<OrderLine>) -> Result<Self, Self::Error> {
        let rule = "1 to 50 lines, each article once";
        if lines.is_empty() || lines.len() > LINES_LIMIT {
            return Err(InvalidValue::new("order", &format!("{} lines", lines.len()), rule));
        }
        for (index, line) in lines.iter().enumerate() {
            if lines.iter().take(index).any(|earlier| earlier.sku == line.sku) {
                return Err(InvalidValue::new("order", &format!("{} twice", line.sku), rule));
            }
        }
        Ok(Self(lines))
    }
}

impl From<OrderLines> for Vec<OrderLine> {
    fn from(lines: OrderLines) -> Self {
        lines.0
    }
}

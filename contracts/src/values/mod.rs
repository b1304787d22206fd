//! Values that several contexts share. Each is valid by construction, from Rust and from JSON alike.

mod card;
mod customer;
mod line;
mod money;
mod order_id;
#[cfg(test)]
mod properties;
mod quantity;
mod sku;
mod text;

pub use card::CardToken;
pub use customer::{Customer, EmailAddress, PersonName};
pub use line::{LINES_LIMIT, OrderLine, OrderLines};
pub use money::{Currency, Money, MoneyOverflow};
pub use order_id::OrderId;
pub use quantity::{QUANTITY_LIMIT, Quantity};
pub use sku::Sku;
pub use text::InvalidValue;

//! Values that several contexts share. Each is valid by construction, from Rust and from JSON alike.

mod card;
mod count_id;
mod customer;
mod line;
mod moment;
mod money;
mod order_id;
#[cfg(test)]
mod properties;
mod quantity;
mod sku;
mod text;
mod units;

pub use card::CardToken;
pub use count_id::CountId;
pub use customer::{Customer, EmailAddress, PersonName};
pub use line::{LINES_LIMIT, OrderLine, OrderLines};
pub use moment::Moment;
pub use money::{Currency, Money, MoneyOverflow};
pub use order_id::OrderId;
pub use quantity::{QUANTITY_LIMIT, Quantity};
pub use sku::Sku;
pub use text::InvalidValue;
pub use units::{UNITS_LIMIT, Units};

//! The messages of the shop, one file per bounded context: what a service says and what it answers.
//!
//! A message on the wire is its JSON and nothing else. Unknown fields are ignored, so a field may be added
//! at any time; a breaking change is a new name, `orders.order-placed.v2`. Values check themselves when they
//! are read: a quantity of zero or a malformed article number never reaches a handler.

pub mod analytics;
pub mod inventory;
pub mod orders;
pub mod payments;
pub mod shipping;
pub mod storefront;
pub mod values;
pub mod warehouse;

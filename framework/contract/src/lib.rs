//! What a message is: [`Event`], [`Request`] and [`MessageName`].
//!
//! This crate is all that a crate of contracts needs. It knows no broker, no runtime and does no I/O.
//!
//! ```
//! use garenne_contract::{Event, Request};
//! use serde::{Deserialize, Serialize};
//!
//! /// A parcel was handed to the carrier.
//! #[derive(Event, Serialize, Deserialize)]
//! #[event(name = "shipping.shipment-dispatched", key = order_id)]
//! struct ShipmentDispatched {
//!     order_id: u64,
//! }
//!
//! /// Units of one article on the shelf.
//! #[derive(Request, Serialize, Deserialize)]
//! #[request(name = "inventory.check-stock", reply = StockLevel)]
//! struct CheckStock {
//!     sku: String,
//! }
//!
//! #[derive(Serialize, Deserialize)]
//! struct StockLevel {
//!     available: u32,
//! }
//!
//! assert_eq!(ShipmentDispatched::NAME.owner(), "shipping");
//! assert_eq!(ShipmentDispatched { order_id: 7 }.key().as_deref(), Some("7"));
//! assert_eq!(CheckStock::NAME.as_str(), "inventory.check-stock");
//! ```
//!
//! A name that breaks the rules of [`MessageName`] does not compile:
//!
//! ```compile_fail
//! # use serde::{Deserialize, Serialize};
//! #[derive(garenne_contract::Event, Serialize, Deserialize)]
//! #[event(name = "Shipping.Dispatched")]
//! struct ShipmentDispatched;
//! ```

mod message;
mod name;

pub use garenne_macros::{Event, Request};
pub use message::{Event, NoError, Request};
pub use name::{MessageName, RESERVED_WORDS, is_kebab_case};

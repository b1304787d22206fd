//! Publishing: [`Publisher`] turns a typed message into what stands on the wire and waits for the broker's confirm.

mod cause;
mod envelope;
pub(crate) mod header;
mod publisher;
mod receipt;

pub(crate) use cause::Cause;
pub(crate) use envelope::{Envelope, now_in_milliseconds};
pub(crate) use publisher::{BODY_LIMIT, Publisher, encode};
pub use receipt::Receipt;

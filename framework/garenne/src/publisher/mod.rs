//! Publishing: [`Publisher`] turns a typed message into what stands on the wire and waits for the broker's confirm.

mod cause;
mod cloud_events;
mod envelope;
pub(crate) mod header;
mod publisher;
mod receipt;
mod rfc3339;
mod spans;

pub(crate) use cause::{Cause, new_id};
pub use cloud_events::CloudEvents;
pub(crate) use cloud_events::{PREFIX, STRUCTURED, VERSION};
pub(crate) use envelope::{Envelope, Role, now_in_milliseconds};
pub(crate) use publisher::{BODY_LIMIT, Publisher, encode};
pub use receipt::Receipt;
pub(crate) use rfc3339::{from_rfc3339, to_rfc3339};
pub(crate) use spans::{Operation, about_messages, about_outgoing, destination};

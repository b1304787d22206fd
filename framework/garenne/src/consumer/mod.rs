//! Consuming: from a delivery to its end. [`Worker`] takes the deliveries of one queue, finds the handler by the
//! message's name ([`handlers`]), runs it, and does what [`crate::retry`] decides. A handler here is untyped; the types
//! come in `service` and `rpc`.

mod cloud_event;
#[cfg(test)]
mod cloud_event_tests;
mod copy;
mod decode;
mod failure;
mod guard;
mod handlers;
mod message;
mod observed;
mod options;
mod plain;
#[cfg(any(test, feature = "fuzzing"))]
mod trial;
mod unfit;
mod worker;

pub(crate) use decode::decode;
pub(crate) use failure::cut;
pub use failure::{Classified, Classify, Failure};
pub(crate) use guard::{guard, panic_text};
pub(crate) use handlers::{Foreign, Found, Handler, Handlers};
pub use message::Message;
pub(crate) use message::sent_at;
pub use observed::Observed;
pub use options::Options;
pub(crate) use plain::read_plainly;
#[cfg(feature = "fuzzing")]
pub use trial::try_out;
pub(crate) use worker::{Worker, WorkerParts};

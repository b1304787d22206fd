//! Consuming: from a delivery to its end. [`Worker`] takes the deliveries of one queue, finds the handler by the
//! message's name, runs it, and does what [`crate::retry`] decides. A handler here is untyped; the types come in
//! `service` and `rpc`.

mod copy;
mod failure;
mod guard;
mod message;
mod observed;
mod options;
mod unfit;
mod worker;

pub use failure::{Classified, Classify, Failure};
pub(crate) use guard::{guard, panic_text};
pub use message::Message;
pub use observed::Observed;
pub use options::Options;
pub(crate) use worker::{Handler, Worker, WorkerParts};

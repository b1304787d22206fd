//! The library on a real broker, with services of one handler.

mod bad_input;
pub(crate) mod bench;
mod drain;
mod foreign_requests;
mod handling;
mod headers;
mod health;
mod log;
mod order;
pub(crate) mod outbox;
mod publishing;
mod recovery;
mod requests;
mod rpc;
mod starting;
mod stores;
mod tls;
mod traces;

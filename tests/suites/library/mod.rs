//! The library on a real broker, with services of one handler.

mod bad_input;
mod bench;
mod drain;
mod foreign_requests;
mod handling;
mod headers;
mod health;
mod log;
mod order;
mod outbox;
mod publishing;
mod recovery;
mod requests;
mod starting;
mod stores;

//! The library on a real broker, with services of one handler.

mod bad_input;
mod bench;
mod handling;
mod headers;
mod order;
mod publishing;

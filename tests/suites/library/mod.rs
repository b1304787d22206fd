//! The library on a real broker, with services of one handler.

mod bench;
mod handling;

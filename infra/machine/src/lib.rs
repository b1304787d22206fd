//! What private servers ask of this machine: its distribution's packages, TCP ports that are free, a state that is waited for, the
//! end of what a program has printed.

mod error;
mod output;
pub mod packages;
mod poll;
pub mod ports;

pub use error::Error;
pub use output::last_lines;
pub use poll::{PACE, poll};

//! What the end-to-end suites stand on: a vhost of its own for each test on one real broker, the services as
//! processes, raw AMQP clients, and waiting for a state with a deadline.

mod broker;
mod raw;
mod wait;

pub use broker::{Broker, Vhost};
pub use raw::Raw;
pub use wait::{PATIENCE, eventually};

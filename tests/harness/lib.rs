//! What the end-to-end suites stand on: a vhost of its own for each test on one real broker, the services as
//! processes, raw AMQP clients, and waiting for a state with a deadline.

pub mod books;
mod broker;
mod browser;
mod database;
pub mod http;
mod proxy;
mod raw;
mod service;
mod shop;
mod wait;

pub use broker::{Broker, Vhost, installation};
pub use browser::Browser;
pub use database::Database;
pub use proxy::Proxy;
pub use raw::Raw;
pub use service::{ServiceProcess, program};
pub use shop::{CONSUMERS, Shop, checkout};
pub use wait::{PATIENCE, eventually};

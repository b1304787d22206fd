//! What the end-to-end suites stand on: a vhost of its own for each test on one real broker, the services as
//! processes, raw AMQP clients, and waiting for a state with a deadline.

mod blocking;
pub mod books;
mod broker;
mod browser;
pub mod clerk;
pub mod collector;
mod database;
mod ear;
mod encrypted_broker;
mod encrypting;
pub mod exposition;
pub mod faults;
mod foreign_client;
pub mod frame;
pub mod http;
mod memory;
mod own_broker;
mod peer;
mod proxy;
mod raw;
mod rest;
mod service;
mod shop;
mod wait;
mod wire;

pub use blocking::blocking;
pub use broker::{Broker, Vhost};
pub use browser::Browser;
pub use database::Database;
pub use ear::{Ear, Heard, Said};
pub use encrypted_broker::EncryptedBroker;
pub use foreign_client::{
    COURIER, ForeignClient, ForeignProcess, courier, courier_rights, let_courier_reply_to_queues,
};
pub use memory::resident;
pub use own_broker::OwnBroker;
pub use peer::Peer;
pub use proxy::Proxy;
pub use raw::Raw;
pub use rest::{Queue, queues, rest};
pub use service::{ServiceProcess, program};
pub use shop::{CONSUMERS, Shop, checkout, exchanges, grant};
pub use wait::{PATIENCE, eventually, lasting};
pub use wire::{Received, Refusal, Sent, Wire};

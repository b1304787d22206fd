//! A set of broker objects.

use super::{Exchange, Queue};

/// Exchanges, queues and bindings, in the order in which they can be declared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Topology {
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) queues: Vec<Queue>,
    pub(crate) bindings: Vec<Binding>,
}

/// Sends what an exchange routes by a key to a queue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Binding {
    pub(crate) exchange: String,
    pub(crate) queue: String,
    pub(crate) key: String,
}

impl Binding {
    pub(crate) fn new(exchange: String, queue: &str, key: impl Into<String>) -> Self {
        Self { exchange, queue: queue.to_owned(), key: key.into() }
    }
}

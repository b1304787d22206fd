//! The TCP ports of one node, on 127.0.0.1.

use machine::ports::{free, prefer};

use crate::Error;

/// The ports of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// AMQP 0-9-1 (and 1.0).
    pub amqp: u16,
    /// Management UI and HTTP API.
    pub management: u16,
    /// Prometheus metrics.
    pub metrics: u16,
    /// Erlang distribution. Without epmd it is the node's address among Erlang nodes.
    pub distribution: u16,
}

impl Ports {
    /// Four ports that are free now.
    ///
    /// # Errors
    /// [`Error::Machine`] when none is free.
    pub fn free() -> Result<Self, Error> {
        Ok(Self { amqp: free()?, management: free()?, metrics: free()?, distribution: free()? })
    }

    /// RabbitMQ's own ports where they are free, others where not.
    ///
    /// # Errors
    /// [`Error::Machine`] when none is free.
    pub fn usual() -> Result<Self, Error> {
        Ok(Self {
            amqp: prefer(5672)?,
            management: prefer(15672)?,
            metrics: prefer(15692)?,
            distribution: prefer(25672)?,
        })
    }
}

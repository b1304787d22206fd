//! Encrypted connections.

mod node;
mod plain;

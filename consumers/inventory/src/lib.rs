//! consumers/inventory

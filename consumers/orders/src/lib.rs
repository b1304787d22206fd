//! consumers/orders

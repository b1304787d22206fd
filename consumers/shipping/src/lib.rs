//! consumers/shipping

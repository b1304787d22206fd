//! consumers/payments

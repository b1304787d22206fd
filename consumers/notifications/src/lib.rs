//! consumers/notifications

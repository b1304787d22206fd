//! Mail to the customer: one for each thing worth knowing about an order.
//!
//! Shows what a service costs around its domain.

mod app;
mod config;
mod mail;
mod postbox;
mod tell;
mod tell_cancelled;
mod tell_confirmed;
mod tell_dispatched;

use garenne::Service;

pub use app::{Notifications, SendError};
pub use mail::{Kind, Mail, UnusableAddress};
pub use postbox::{Postbox, PostboxError};

/// The service's table of contents.
pub fn service() -> Service<Notifications> {
    Service::new("notifications")
        .stores_in(Notifications::store)
        .on(tell_confirmed::tell_confirmed)
        .on(tell_cancelled::tell_cancelled)
        .on(tell_dispatched::tell_dispatched)
}

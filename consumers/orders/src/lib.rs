//! The life of an order, from the checkout to the parcel or the cancellation.
//!
//! This service alone decides where an order stands. It learns what the others did from their events, which may
//! arrive twice or in another order than they happened: see [`Life`].

mod app;
mod cancel_declined;
mod cancel_out_of_stock;
mod config;
mod confirm_order;
mod get_order;
mod life;
mod note_dispatch;
mod note_reservation;
mod place_order;

use contracts::orders::{OrderCancelled, OrderConfirmed, OrderPlaced};
use garenne::Service;

pub use app::{Order, Orders, OtherContent, Refused};
pub use life::{Contradiction, Fact, Life};

/// The service's table of contents.
pub fn service() -> Service<Orders> {
    Service::new("orders")
        .stores_in(Orders::store)
        .on(place_order::place_order)
        .on(note_reservation::note_reservation)
        .on(cancel_out_of_stock::cancel_out_of_stock)
        .on(confirm_order::confirm_order)
        .on(cancel_declined::cancel_declined)
        .on(note_dispatch::note_dispatch)
        .answer(get_order::get_order)
        .publishes::<OrderPlaced>()
        .publishes::<OrderConfirmed>()
        .publishes::<OrderCancelled>()
}

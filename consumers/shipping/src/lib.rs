//! Parcels: a confirmed order is handed to the carrier, once.

mod app;
mod config;
mod dispatch_parcel;

use contracts::shipping::ShipmentDispatched;
use garenne::Service;

pub use app::Shipping;

/// The service's table of contents.
pub fn service() -> Service<Shipping> {
    Service::new("shipping")
        .stores_in(Shipping::store)
        .on(dispatch_parcel::dispatch_parcel)
        .publishes::<ShipmentDispatched>()
}

//! The shop's page and HTTP interface: says what customers submit, and shows every order's way through the services.

mod app;
mod backstage;
pub mod checkout;
pub mod config;
pub mod detail;
pub mod http;
pub mod journey;
mod listen;
pub mod live;
mod measure;
pub mod memory;
pub mod pace;
mod serve;
pub mod shop;
pub mod strip;

use contracts::inventory::{CheckStock, ListStock};
use contracts::orders::GetOrder;
use contracts::storefront::CheckoutSubmitted;
use garenne::Service;

pub use app::Storefront;

/// The service's table of contents.
pub fn service() -> Service<Storefront> {
    Service::new("storefront")
        .publishes::<CheckoutSubmitted>()
        .asks::<GetOrder>()
        .asks::<ListStock>()
        .asks::<CheckStock>()
        .observe(listen::SPEAKERS, listen::listen)
        .background("http", serve::serve)
        .background("measure", measure::measure)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_wiring_has_no_faults() {
        assert_eq!(super::service().faults(), []);
    }
}

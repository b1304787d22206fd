//! The shop's page and HTTP interface: says what customers submit, and shows every order's way through the services.

mod app;
mod backstage;
mod checkout;
mod config;
mod detail;
pub mod http;
mod journey;
mod listen;
mod live;
mod measure;
mod memory;
mod pace;
mod serve;
mod shop;
mod strip;

use contracts::inventory::{CheckStock, ListStock};
use contracts::orders::GetOrder;
use contracts::storefront::CheckoutSubmitted;
use garenne::Service;

pub use app::Storefront;
pub use live::Live;
pub use memory::Said;
pub use shop::{Shop, Trouble};

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

//! Synthetic customers at a chosen rate, a share of them awkward: the shop's load and its daily life.

mod app;
mod config;
mod customer;
mod schedule;
mod shop;

use contracts::inventory::ListStock;
use contracts::storefront::CheckoutSubmitted;
use garenne::Service;

pub use app::Shoppers;

/// The service's table of contents. Checkouts belong to the storefront; shoppers submit them as its page does.
pub fn service() -> Service<Shoppers> {
    Service::new("shoppers").publishes::<CheckoutSubmitted>().asks::<ListStock>().background("shop", shop::shop)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_wiring_has_no_faults() {
        assert_eq!(super::service().faults(), []);
    }
}

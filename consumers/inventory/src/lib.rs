//! The shelf: what the shop has, and what lies aside for orders.

mod app;
mod check_stock;
mod config;
mod correct_stock;
mod count;
mod list_stock;
mod release_stock;
mod reserve_stock;
mod shelf;

use contracts::inventory::{StockRejected, StockReleased, StockReserved};
use garenne::Service;

pub use app::{Inventory, Outcome};
pub use count::Counted;

/// The service's table of contents.
pub fn service() -> Service<Inventory> {
    Service::new("inventory")
        .stores_in(Inventory::store)
        .on(reserve_stock::reserve_stock)
        .on(release_stock::release_stock)
        .on_device(correct_stock::correct_stock)
        .answer(check_stock::check_stock)
        .answer(list_stock::list_stock)
        .answers_foreign_clients()
        .publishes::<StockReserved>()
        .publishes::<StockRejected>()
        .publishes::<StockReleased>()
}

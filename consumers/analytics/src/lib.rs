//! What was sold, by minute and by article: counted from the log of everything that the shop has ever said.

mod app;
mod config;
mod count_sales;
mod edition;
mod get_sales;
mod rebuild;
mod report;
mod sold;
mod sweep;

use garenne::Service;
use garenne::log::{Log, Reading, Start};

pub use app::{Analytics, GoOn};
pub use sold::Sold;

/// The log: the queue `shop.log`.
const LOG: &str = "shop";
/// Who counts from it.
const READER: &str = "sales";
/// Everybody who speaks in the shop, and everybody who may one day.
const SPEAKERS: [&str; 8] =
    ["storefront", "shoppers", "orders", "inventory", "payments", "shipping", "notifications", "analytics"];

/// The service's table of contents.
pub fn service() -> Service<Analytics> {
    Service::new("analytics")
        .stores_in(Analytics::store)
        .keeps(Log::new(LOG).of(SPEAKERS))
        .reads(Reading::new(LOG, READER).from(Start::First), count_sales::count_sales)
        .answer(get_sales::get_sales)
        .answer(rebuild::rebuild)
        .answers_foreign_clients()
        .background("sweep", sweep::sweep)
}

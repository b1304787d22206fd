//! The shop's books: what its databases say, and the laws that must hold between them whatever has died.

use std::collections::BTreeSet;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use crate::Shop;

/// Reads one column of text from a service's database.
///
/// # Panics
///
/// When the query fails.
pub async fn column(shop: &Shop, service: &str, query: &'static str) -> Vec<String> {
    let pool = open(&shop.folder().join(format!("{service}.db"))).await;
    let rows = sqlx::query_scalar::<_, String>(query).fetch_all(&pool).await.expect("the query");
    pool.close().await;
    rows
}

/// Audits the laws: every checkout ended dispatched or cancelled; stock at the start = stock now + units of live
/// orders; one capture for each confirmed order and none for a cancelled one; one mail for each outcome.
///
/// # Panics
///
/// When a law is broken: which one, and by which orders.
pub async fn audit(shop: &Shop, expected_orders: usize) {
    let of = |status: &'static str| async move {
        let all = column(shop, "orders", "SELECT order_id || ' ' || status FROM orders").await;
        let suffix = format!(" {status}");
        all.into_iter().filter_map(|row| row.strip_suffix(&suffix).map(str::to_owned)).collect::<BTreeSet<_>>()
    };
    let (dispatched, cancelled) = (of("dispatched").await, of("cancelled").await);
    let all = column(shop, "orders", "SELECT order_id FROM orders").await.len();
    assert_eq!(all, expected_orders, "orders stored");
    assert_eq!(dispatched.len() + cancelled.len(), all, "every checkout ends dispatched or cancelled");

    let missing = column(
        shop,
        "inventory",
        "SELECT a.sku || ': ' || a.start_stock || ' at the start, ' || a.stock || ' now, '
                || COALESCE((SELECT SUM(units) FROM reserved_lines r WHERE r.sku = a.sku), 0) || ' reserved'
         FROM articles a
         WHERE a.start_stock <> a.stock + COALESCE((SELECT SUM(units) FROM reserved_lines r WHERE r.sku = a.sku), 0)",
    )
    .await;
    assert_eq!(missing, Vec::<String>::new(), "stock at the start = stock now + units of live orders");
    let reserved = column(shop, "inventory", "SELECT order_id FROM reservations WHERE state = 'reserved'").await;
    assert_eq!(reserved.into_iter().collect::<BTreeSet<_>>(), dispatched, "stock is reserved for live orders alone");

    let captured = column(shop, "payments", "SELECT order_id FROM charges WHERE state = 'captured'").await;
    assert_eq!(captured.into_iter().collect::<BTreeSet<_>>(), dispatched, "one capture for each confirmed order");
    let parcels = column(shop, "shipping", "SELECT order_id FROM shipments").await;
    assert_eq!(parcels.into_iter().collect::<BTreeSet<_>>(), dispatched, "one parcel for each confirmed order");

    for id in &dispatched {
        assert_eq!(shop.mails(id).len(), 2, "a mail that confirms and one that dispatches: {:?}", shop.mails(id));
    }
    for id in &cancelled {
        assert_eq!(shop.mails(id).len(), 1, "a mail that cancels: {:?}", shop.mails(id));
    }
}

async fn open(path: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(std::time::Duration::from_secs(10));
    SqlitePool::connect_with(options).await.expect("the database opens")
}

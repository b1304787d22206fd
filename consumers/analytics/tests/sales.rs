//! Sales in a real database file.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::time::{Duration, SystemTime};

use analytics::{Analytics, GoOn, Sold};
use contracts::analytics::Sales;
use contracts::orders::OrderConfirmed;
use contracts::values::OrderId;
use tempfile::TempDir;

async fn open(folder: &TempDir) -> Analytics {
    let url = format!("sqlite://{}/analytics.db?mode=rwc", folder.path().display());
    Analytics::at(&url).await.unwrap()
}

/// An order that was confirmed in that minute.
fn order(order_id: OrderId, minute: u64, sku: &str, units: u32, cents: i64) -> Sold {
    let order = serde_json::json!({
        "order_id": order_id,
        "customer": {"name": "Zoë Lapin", "email": "zoe@example.org"},
        "lines": [{"sku": sku, "quantity": units}],
        "total": {"amount": cents, "currency": "EUR"},
    });
    let order: OrderConfirmed = serde_json::from_value(order).unwrap();
    Sold::new(order, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(minute * 60 + 59)))
}

/// What the service's handler does with a page; returns where it goes on.
async fn count(analytics: &Analytics, sold: &[Sold], through: u64, missed: u64) -> GoOn {
    let mut transaction = analytics.store().write().await.unwrap();
    let goes_on = Analytics::count(&mut transaction, sold, through, missed).await.unwrap();
    transaction.commit().await.unwrap();
    goes_on
}

async fn rebuild(analytics: &Analytics) -> Option<u64> {
    let mut transaction = analytics.store().write().await.unwrap();
    let rebuilding = Analytics::rebuild(&mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
    rebuilding.until
}

fn units(sales: &Sales) -> Vec<(&str, u64)> {
    sales.articles.iter().map(|article| (article.sku.as_str(), article.units)).collect()
}

#[tokio::test]
async fn an_order_counts_once_in_its_minute_however_often_the_log_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let analytics = open(&folder).await;
    let one = order(OrderId::new(), 10, "MUG-BLUE", 2, 2500);
    let other = order(OrderId::new(), 12, "TEA-MINT", 1, 640);
    count(&analytics, &[one.clone(), one.clone()], 5, 0).await;
    count(&analytics, &[other.clone(), one], 9, 0).await;
    let more: Vec<Sold> = (0..600).map(|_| order(OrderId::new(), 12, "TEA-MINT", 1, 640)).collect();
    count(&analytics, &more, 700, 0).await;
    count(&analytics, &more, 1400, 0).await;

    let sales = analytics.sales(None).await.unwrap();
    assert_eq!((sales.orders, sales.units, sales.revenue.amount), (602, 603, 2500 + 601 * 640));
    assert_eq!(units(&sales), [("MUG-BLUE", 2), ("TEA-MINT", 601)]);
    let minutes: Vec<(u64, u64, i64)> =
        sales.minutes.iter().map(|minute| (minute.begins_at, minute.orders, minute.revenue.amount)).collect();
    assert_eq!(minutes, [(600, 1, 2500), (720, 601, 601 * 640)]);
    assert_eq!(sales.minutes[1].articles, [sales.articles[1].clone()]);
    assert_eq!((sales.through, sales.rebuilding), (Some(1400), false));
    assert_eq!(analytics.sales(Some(1)).await.unwrap().minutes, sales.minutes[1..]);
}

#[tokio::test]
async fn while_everything_is_counted_anew_the_old_answers_stay_and_then_all_of_the_new_ones_come_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let analytics = open(&folder).await;
    assert_eq!(rebuild(&analytics).await, None, "nothing was counted yet");
    let first = [order(OrderId::new(), 1, "MUG-BLUE", 1, 1250), order(OrderId::new(), 2, "MUG-BLUE", 1, 1250)];
    count(&analytics, &first[..1], 1, 0).await;
    count(&analytics, &first[1..], 2, 0).await;
    let before = analytics.sales(None).await.unwrap();

    assert_eq!(rebuild(&analytics).await, Some(2));
    count(&analytics, &first[..1], 1, 0).await;
    // Asking again in the middle changes nothing.
    assert_eq!(rebuild(&analytics).await, Some(2));
    let meanwhile = analytics.sales(None).await.unwrap();
    assert_eq!(meanwhile, Sales { rebuilding: true, ..before.clone() });
    let next = [first[1].clone(), order(OrderId::new(), 2, "TEA-MINT", 1, 640)];
    count(&analytics, &next, 3, 0).await;

    let after = analytics.sales(None).await.unwrap();
    assert_eq!((after.orders, after.through, after.rebuilding), (3, Some(3), false));
    assert_eq!(units(&after), [("MUG-BLUE", 2), ("TEA-MINT", 1)]);
}

#[tokio::test]
async fn a_rebuild_from_a_log_that_has_lost_its_beginning_is_given_up_and_nothing_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let analytics = open(&folder).await;
    let known = order(OrderId::new(), 1, "MUG-BLUE", 1, 1250);
    count(&analytics, std::slice::from_ref(&known), 40, 0).await;
    let before = analytics.sales(None).await.unwrap();
    assert_eq!(rebuild(&analytics).await, Some(40));
    assert_eq!(count(&analytics, std::slice::from_ref(&known), 20, 0).await, GoOn::AfterThePage);
    let late = order(OrderId::new(), 1, "TEA-MINT", 1, 640);
    assert_eq!(count(&analytics, &[late], 30, 7).await, GoOn::After(40), "it goes on where it was");
    assert_eq!(analytics.sales(None).await.unwrap(), before);
    analytics.sweep().await.unwrap();
    for table in ["counted_orders", "minutes", "minute_articles", "articles", "totals"] {
        let mut transaction = analytics.store().write().await.unwrap();
        let editions = sqlx::AssertSqlSafe(format!("SELECT COUNT(DISTINCT edition) FROM {table}"));
        let (left,): (i64,) = sqlx::query_as(editions).fetch_one(&mut *transaction).await.unwrap();
        assert_eq!(left, 1, "{table}: nothing is left of what was given up");
    }
    // The next one writes nothing into what the one that was given up has left.
    assert_eq!(rebuild(&analytics).await, Some(40));
    assert_eq!(count(&analytics, &[known], 40, 0).await, GoOn::AfterThePage);
    assert_eq!(units(&analytics.sales(None).await.unwrap()), [("MUG-BLUE", 1)]);
}

#[tokio::test]
async fn a_rebuild_from_a_log_that_was_deleted_is_given_up_and_what_the_new_one_holds_is_added() {
    let folder = tempfile::tempdir().unwrap();
    let analytics = open(&folder).await;
    let old = [order(OrderId::new(), 1, "MUG-BLUE", 1, 1250), order(OrderId::new(), 1, "MUG-BLUE", 1, 1250)];
    count(&analytics, &old, 3, 0).await;
    let before = analytics.sales(None).await.unwrap();
    assert_eq!(rebuild(&analytics).await, Some(3));
    // The log began anew, and is longer than the old one by now.
    let new = order(OrderId::new(), 9, "TEA-MINT", 1, 640);
    assert_eq!(count(&analytics, std::slice::from_ref(&new), 2, 0).await, GoOn::AfterThePage);
    assert_eq!(count(&analytics, &[], 5, 0).await, GoOn::FromTheBeginning);
    assert_eq!(analytics.sales(None).await.unwrap(), before);
    assert_eq!(count(&analytics, &[new.clone(), new], 5, 0).await, GoOn::AfterThePage);
    let after = analytics.sales(None).await.unwrap();
    assert_eq!((after.orders, after.through, after.rebuilding), (3, Some(5), false));
    assert_eq!(units(&after), [("MUG-BLUE", 2), ("TEA-MINT", 1)]);
}

//! Counts of the shelf, in a real database file.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::time::{SystemTime, UNIX_EPOCH};

use contracts::orders::OrderPlaced;
use contracts::values::{OrderId, Sku};
use contracts::warehouse::StockCounted;
use inventory::{Counted, Inventory};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

const MUG: &str = "MUG-BLUE";
const AT_THE_START: i64 = 100_000;

async fn inventory(folder: &TempDir) -> Inventory {
    Inventory::at(&format!("sqlite://{}/inventory.db?mode=rwc", folder.path().display())).await.unwrap()
}

/// A count made so many seconds ago.
fn count(id: &str, sku: &str, units: i64, seconds_ago: i64) -> StockCounted {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let then = i128::from(now - seconds_ago * 1000) * 1_000_000;
    let time = time::OffsetDateTime::from_unix_timestamp_nanos(then).unwrap();
    let text = time.format(&time::format_description::well_known::Rfc3339).unwrap();
    serde_json::from_value(json!({"count_id": id, "sku": sku, "units": units, "counted_at": text})).unwrap()
}

/// What the service's handler does with one.
async fn take_in(inventory: &Inventory, scanner: &str, count: &StockCounted) -> Counted {
    let mut transaction = inventory.store().write().await.unwrap();
    let counted = Inventory::correct(&mut transaction, scanner, count).await.unwrap();
    match counted {
        Counted::Refused(_) => transaction.rollback().await.unwrap(),
        _ => transaction.commit().await.unwrap(),
    }
    counted
}

async fn reserve(inventory: &Inventory, quantity: u32) -> OrderId {
    let order_id = OrderId::new();
    let order = json!({"order_id": order_id, "lines": [{"sku": MUG, "quantity": quantity}], "card": "tok_ok"});
    let order: OrderPlaced = serde_json::from_value(order).unwrap();
    let mut transaction = inventory.store().write().await.unwrap();
    Inventory::reserve(&mut transaction, &order).await.unwrap();
    transaction.commit().await.unwrap();
    order_id
}

async fn release(inventory: &Inventory, order_id: OrderId) {
    let mut transaction = inventory.store().write().await.unwrap();
    Inventory::release(&mut transaction, order_id).await.unwrap().unwrap();
    transaction.commit().await.unwrap();
}

/// Makes all that was reserved so far so many seconds older.
async fn age(inventory: &Inventory, seconds: i64) {
    let query = sqlx::query("UPDATE reserved_lines SET reserved_at = reserved_at - $1").bind(seconds * 1000);
    query.execute(inventory.store().pool()).await.unwrap();
}

async fn available(inventory: &Inventory) -> u32 {
    inventory.level(&Sku::new(MUG).unwrap()).await.unwrap().unwrap().available
}

/// The law of the first migration, as the third has it.
async fn balanced(inventory: &Inventory) {
    let wrong: Vec<(String,)> = sqlx::query_as(
        "SELECT sku FROM articles WHERE start_stock + corrected <> stock +
         (SELECT COALESCE(SUM(units), 0) FROM reserved_lines WHERE reserved_lines.sku = articles.sku)",
    )
    .fetch_all(inventory.store().pool())
    .await
    .unwrap();
    assert_eq!(wrong, []);
}

#[tokio::test]
async fn the_stock_becomes_what_was_counted_and_the_same_count_again_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = inventory(&folder).await;
    let first = count("1", MUG, 40, 60);
    assert_eq!(take_in(&inventory, "scanner-1", &first).await, Counted::Corrected(40 - AT_THE_START));
    reserve(&inventory, 3).await;
    assert_eq!(take_in(&inventory, "scanner-1", &first).await, Counted::Known);
    assert_eq!(available(&inventory).await, 37);
    balanced(&inventory).await;
    // Another scanner counts for itself.
    assert_eq!(take_in(&inventory, "scanner-2", &count("1", MUG, 37, 0)).await, Counted::Corrected(0));
}

#[tokio::test]
async fn counts_take_effect_in_the_order_of_their_times_whenever_they_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = inventory(&folder).await;
    take_in(&inventory, "scanner-1", &count("new", MUG, 40, 60)).await;
    let old = count("old", MUG, 90, 120);
    assert_eq!(take_in(&inventory, "scanner-1", &old).await, Counted::Outdated);
    assert_eq!(take_in(&inventory, "scanner-1", &old).await, Counted::Known);
    assert_eq!(available(&inventory).await, 40);
    balanced(&inventory).await;
}

#[tokio::test]
async fn what_was_reserved_and_released_between_the_count_and_its_arrival_is_reckoned_in() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = inventory(&folder).await;
    let (before, cancelled) = (reserve(&inventory, 5).await, reserve(&inventory, 7).await);
    age(&inventory, 120).await;
    // At this time 12 lie aside; after it 7 of them go back, and 2 others are taken.
    let counted = count("1", MUG, 1_000, 60);
    release(&inventory, cancelled).await;
    reserve(&inventory, 2).await;
    let correction = 1_000 - (AT_THE_START - 12);
    assert_eq!(take_in(&inventory, "scanner-1", &counted).await, Counted::Corrected(correction));
    assert_eq!(available(&inventory).await, 1_000 + 7 - 2);
    release(&inventory, before).await;
    assert_eq!(available(&inventory).await, 1_000 + 7 - 2 + 5);
    balanced(&inventory).await;
}

#[tokio::test]
async fn what_was_sold_and_never_there_leaves_an_empty_shelf() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = inventory(&folder).await;
    reserve(&inventory, 9).await;
    take_in(&inventory, "scanner-1", &count("1", MUG, 4, 60)).await;
    assert_eq!(available(&inventory).await, 0);
    balanced(&inventory).await;
}

#[tokio::test]
async fn a_count_that_cannot_be_right_is_refused_and_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = inventory(&folder).await;
    take_in(&inventory, "scanner-1", &count("1", MUG, 40, 60)).await;
    for (count, words) in [
        (count("2", "NO-SUCH", 1, 60), "there is no article NO-SUCH"),
        (count("3", MUG, 1, -3600), "s from now; set the clock of \"scanner-1\""),
        (count("1", MUG, 41, 60), "has used the count id 1 before"),
    ] {
        let Counted::Refused(why) = take_in(&inventory, "scanner-1", &count).await else { panic!("not refused") };
        assert!(why.contains(words), "{why}");
    }
    assert_eq!(available(&inventory).await, 40);
    assert_eq!(take_in(&inventory, "scanner-1", &count("2", MUG, 50, 0)).await, Counted::Corrected(10));
}

#[tokio::test]
async fn one_count_that_reaches_two_replicas_at_once_is_taken_in_once() {
    let folder = tempfile::tempdir().unwrap();
    let replicas = [inventory(&folder).await, inventory(&folder).await];
    let counted = count("1", MUG, 40, 60);
    let mut at_once = JoinSet::new();
    for replica in &replicas {
        for _ in 0..5 {
            let (replica, counted) = (replica.clone(), counted.clone());
            at_once.spawn(async move { take_in(&replica, "scanner-1", &counted).await });
        }
    }
    let counted = at_once.join_all().await;
    assert_eq!(counted.iter().filter(|one| matches!(one, Counted::Corrected(_))).count(), 1, "{counted:?}");
    assert_eq!(available(&replicas[0]).await, 40);
}

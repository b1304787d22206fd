//! Reservations in a real database file.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use contracts::inventory::StockReleased;
use contracts::orders::OrderPlaced;
use contracts::values::{Money, OrderId, Sku};
use inventory::{Inventory, Outcome};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// There are three of it.
const RARE: &str = "ATLAS-1911";

async fn replica(folder: &TempDir) -> Inventory {
    Inventory::at(&format!("sqlite://{}/inventory.db?mode=rwc", folder.path().display())).await.unwrap()
}

fn order(lines: &[(&str, u32)]) -> OrderPlaced {
    let lines: Vec<_> =
        lines.iter().map(|(sku, quantity)| serde_json::json!({"sku": sku, "quantity": quantity})).collect();
    let order = serde_json::json!({"order_id": OrderId::new(), "lines": lines, "card": "tok_ok"});
    serde_json::from_value(order).unwrap()
}

async fn available(inventory: &Inventory, sku: &str) -> u32 {
    inventory.level(&Sku::new(sku).unwrap()).await.unwrap().unwrap().available
}

// What the service's handlers do with a message.

async fn reserve(inventory: &Inventory, order: &OrderPlaced) -> Result<Outcome, sqlx::Error> {
    let mut transaction = inventory.store().write().await?;
    let outcome = Inventory::reserve(&mut transaction, order).await?;
    transaction.commit().await?;
    Ok(outcome)
}

async fn release(inventory: &Inventory, order_id: OrderId) -> Result<Option<StockReleased>, sqlx::Error> {
    let mut transaction = inventory.store().write().await?;
    let released = Inventory::release(&mut transaction, order_id).await?;
    transaction.commit().await?;
    Ok(released)
}

#[tokio::test]
async fn the_shop_opens_with_articles_sorted_by_number() {
    let folder = tempfile::tempdir().unwrap();
    let levels = replica(&folder).await.levels().await.unwrap();
    assert_eq!(levels.len(), 8);
    assert!(levels.is_sorted_by(|one, other| one.sku < other.sku), "{levels:?}");
    assert!(replica(&folder).await.level(&Sku::new("NO-SUCH").unwrap()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_reservation_takes_every_line_and_says_what_they_cost() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = replica(&folder).await;
    let (mugs, teas) = (available(&inventory, "MUG-BLUE").await, available(&inventory, "TEA-MINT").await);
    let order = order(&[("TEA-MINT", 3), ("MUG-BLUE", 2)]);
    let Outcome::Reserved(reserved) = reserve(&inventory, &order).await.unwrap() else { panic!("not reserved") };
    assert_eq!((reserved.total, reserved.card), (Money::euro_cents(3 * 640 + 2 * 1_250), order.card));
    assert_eq!(available(&inventory, "MUG-BLUE").await, mugs - 2);
    assert_eq!(available(&inventory, "TEA-MINT").await, teas - 3);
}

#[tokio::test]
async fn an_order_with_one_line_too_many_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = replica(&folder).await;
    let before = inventory.levels().await.unwrap();
    let order = order(&[("MUG-BLUE", 2), (RARE, 4), ("BAG-LINEN", 1)]);
    let Outcome::Rejected(rejected) = reserve(&inventory, &order).await.unwrap() else { panic!("not rejected") };
    assert_eq!((rejected.sku.as_str(), rejected.available), (RARE, Some(3)));
    assert_eq!(inventory.levels().await.unwrap(), before);
}

#[tokio::test]
async fn an_order_of_an_unknown_article_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = replica(&folder).await;
    let before = inventory.levels().await.unwrap();
    let order = order(&[("MUG-BLUE", 2), ("NO-SUCH", 1)]);
    let Outcome::Rejected(rejected) = reserve(&inventory, &order).await.unwrap() else { panic!("not rejected") };
    assert_eq!((rejected.sku.as_str(), rejected.available), ("NO-SUCH", None));
    assert_eq!(inventory.levels().await.unwrap(), before);
}

#[tokio::test]
async fn an_order_that_arrives_again_gets_the_same_outcome_and_takes_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = replica(&folder).await;
    let (served, refused) = (order(&[(RARE, 2)]), order(&[(RARE, 2)]));
    let first = (reserve(&inventory, &served).await.unwrap(), reserve(&inventory, &refused).await.unwrap());
    assert!(matches!(first, (Outcome::Reserved(_), Outcome::Rejected(_))), "{first:?}");
    release(&inventory, order(&[(RARE, 1)]).order_id).await.unwrap();
    let again = (reserve(&inventory, &served).await.unwrap(), reserve(&inventory, &refused).await.unwrap());
    assert_eq!(again, first);
    assert_eq!(available(&inventory, RARE).await, 1);
}

#[tokio::test]
async fn a_cancelled_order_puts_its_lines_back_once_however_often_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = replica(&folder).await;
    let before = inventory.levels().await.unwrap();
    let order = order(&[(RARE, 2), ("MUG-BLUE", 5)]);
    reserve(&inventory, &order).await.unwrap();
    let first = release(&inventory, order.order_id).await.unwrap().unwrap();
    assert_eq!(inventory.levels().await.unwrap(), before);
    let again = release(&inventory, order.order_id).await.unwrap().unwrap();
    assert_eq!(again, first);
    assert_eq!(inventory.levels().await.unwrap(), before);
    assert_eq!(reserve(&inventory, &order).await.unwrap(), Outcome::Void, "released is released");
    assert_eq!(inventory.levels().await.unwrap(), before);
}

#[tokio::test]
async fn a_cancelled_order_that_was_rejected_puts_nothing_back() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = replica(&folder).await;
    let before = inventory.levels().await.unwrap();
    let order = order(&[(RARE, 4)]);
    reserve(&inventory, &order).await.unwrap();
    assert_eq!(release(&inventory, order.order_id).await.unwrap(), None);
    assert_eq!(inventory.levels().await.unwrap(), before);
}

#[tokio::test]
async fn an_order_that_was_cancelled_before_it_came_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = replica(&folder).await;
    let before = inventory.levels().await.unwrap();
    let order = order(&[("MUG-BLUE", 1)]);
    for _ in 0..2 {
        assert_eq!(release(&inventory, order.order_id).await.unwrap(), None);
    }
    assert_eq!(reserve(&inventory, &order).await.unwrap(), Outcome::Void);
    assert_eq!(inventory.levels().await.unwrap(), before);
}

#[tokio::test]
async fn two_replicas_on_one_file_never_sell_more_than_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let replicas = [replica(&folder).await, replica(&folder).await];
    let mut customers = JoinSet::new();
    for (index, inventory) in replicas.iter().cycle().take(20).enumerate() {
        let inventory = inventory.clone();
        // Lines in either order: neither may wait for the other in a circle.
        let lines = if index % 3 == 0 { [(RARE, 1), ("MUG-BLUE", 1)] } else { [("MUG-BLUE", 1), (RARE, 1)] };
        let order = order(&lines);
        customers.spawn(async move { reserve(&inventory, &order).await.unwrap() });
    }
    let outcomes = customers.join_all().await;
    let served = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Reserved(_))).count();
    assert_eq!((served, outcomes.len()), (3, 20));
    let [inventory, _] = &replicas;
    assert_eq!(available(inventory, RARE).await, 0);
    assert_eq!(available(inventory, "MUG-BLUE").await, 100_000 - 3, "who was rejected took no mug either");
}

#[tokio::test]
async fn one_order_that_reaches_two_replicas_at_once_is_reserved_once() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (replica(&folder).await, replica(&folder).await);
    for reserved in 1..=20 {
        let order = order(&[("TEA-MINT", 1)]);
        let (here, there) = tokio::join!(reserve(&one, &order), reserve(&other, &order));
        assert_eq!(here.unwrap(), there.unwrap());
        assert_eq!(available(&one, "TEA-MINT").await, 100_000 - reserved);
    }
}

#[tokio::test]
async fn what_was_there_at_the_start_is_on_the_shelf_or_lies_aside() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = replica(&folder).await;
    for units in 1..=10 {
        let order = order(&[("MUG-BLUE", units), (RARE, 1)]);
        reserve(&inventory, &order).await.unwrap();
        if units % 2 == 0 {
            release(&inventory, order.order_id).await.unwrap();
        }
    }
    let pool = sqlx::AnyPool::connect(&format!("sqlite://{}/inventory.db", folder.path().display())).await.unwrap();
    let broken: Vec<(String,)> = sqlx::query_as(
        "SELECT sku FROM articles WHERE start_stock + corrected <> stock +
         (SELECT COALESCE(SUM(units), 0) FROM reserved_lines WHERE reserved_lines.sku = articles.sku)",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(broken, Vec::new());
    assert!(available(&inventory, "MUG-BLUE").await < 100_000);
}

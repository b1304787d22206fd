//! Orders in a real database file.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use contracts::orders::{OrderPlaced, OrderStatus};
use contracts::storefront::CheckoutSubmitted;
use contracts::values::{CardToken, Money, OrderId};
use orders::{Fact, Order, Orders, OtherContent, Refused};
use tempfile::TempDir;

const TOTAL: Money = Money::euro_cents(1_999);

async fn replica(folder: &TempDir) -> Orders {
    Orders::at(&format!("sqlite://{}/orders.db?mode=rwc", folder.path().display())).await.unwrap()
}

fn checkout() -> CheckoutSubmitted {
    let checkout = serde_json::json!({
        "order_id": OrderId::new(),
        "customer": {"name": "Zoë Lapin", "email": "zoe@example.org"},
        "lines": [{"sku": "MUG-BLUE", "quantity": 2}],
        "card": "tok_ok",
    });
    serde_json::from_value(checkout).unwrap()
}

// What the service's handlers do with a message.

async fn place(
    orders: &Orders,
    checkout: &CheckoutSubmitted,
) -> Result<Result<Option<OrderPlaced>, OtherContent>, sqlx::Error> {
    let mut transaction = orders.store().write().await?;
    let placed = Orders::place(&mut transaction, checkout).await?;
    transaction.commit().await?;
    Ok(placed)
}

async fn record(orders: &Orders, order_id: OrderId, fact: Fact) -> Result<Result<Order, Refused>, sqlx::Error> {
    let mut transaction = orders.store().write().await?;
    let order = Orders::record(&mut transaction, order_id, fact).await?;
    transaction.commit().await?;
    Ok(order)
}

#[tokio::test]
async fn a_placed_order_can_be_seen() {
    let folder = tempfile::tempdir().unwrap();
    let orders = replica(&folder).await;
    let checkout = checkout();
    let placed = place(&orders, &checkout).await.unwrap().unwrap().expect("something to say");
    assert_eq!((placed.order_id, &placed.lines), (checkout.order_id, &checkout.lines));
    let view = orders.view(checkout.order_id).await.unwrap().unwrap();
    assert_eq!((view.status, view.total, view.lines), (OrderStatus::Placed, None, checkout.lines));
    assert!(orders.view(OrderId::new()).await.unwrap().is_none());
}

#[tokio::test]
async fn the_same_checkout_again_says_nothing_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let orders = replica(&folder).await;
    let checkout = checkout();
    assert!(place(&orders, &checkout).await.unwrap().unwrap().is_some());
    record(&orders, checkout.order_id, Fact::Reserved(TOTAL)).await.unwrap().unwrap();
    assert_eq!(place(&orders, &checkout).await.unwrap().unwrap(), None);
    let view = orders.view(checkout.order_id).await.unwrap().unwrap();
    assert_eq!(view.status, OrderStatus::Reserved);
}

#[tokio::test]
async fn another_order_of_the_same_number_is_refused_and_the_first_one_stays() {
    let folder = tempfile::tempdir().unwrap();
    let orders = replica(&folder).await;
    let first = checkout();
    place(&orders, &first).await.unwrap().unwrap();
    let other = CheckoutSubmitted { card: CardToken::new("tok_other").unwrap(), ..first.clone() };
    let refused = place(&orders, &other).await.unwrap().unwrap_err();
    assert_eq!(refused.difference, "card");
    assert!(refused.to_string().contains(&first.order_id.to_string()), "{refused}");
    assert_eq!(place(&orders, &first).await.unwrap().unwrap(), None);
}

#[tokio::test]
async fn a_report_about_an_unknown_order_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let order_id = OrderId::new();
    let refused = record(&replica(&folder).await, order_id, Fact::Dispatched).await.unwrap().unwrap_err();
    assert_eq!(refused, Refused::Unknown(order_id));
}

#[tokio::test]
async fn a_contradiction_is_refused_and_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    let orders = replica(&folder).await;
    let checkout = checkout();
    place(&orders, &checkout).await.unwrap().unwrap();
    record(&orders, checkout.order_id, Fact::Declined).await.unwrap().unwrap();
    let before = orders.view(checkout.order_id).await.unwrap();
    let refused = record(&orders, checkout.order_id, Fact::Captured(TOTAL)).await.unwrap();
    assert!(matches!(refused, Err(Refused::Contradiction(..))), "{refused:?}");
    assert_eq!(orders.view(checkout.order_id).await.unwrap(), before);
}

#[tokio::test]
async fn reports_that_reach_two_replicas_at_once_are_both_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (replica(&folder).await, replica(&folder).await);
    for _ in 0..20 {
        let checkout = checkout();
        let order_id = checkout.order_id;
        place(&one, &checkout).await.unwrap().unwrap();
        let (reserved, captured) = tokio::join!(
            record(&one, order_id, Fact::Reserved(TOTAL)),
            record(&other, order_id, Fact::Captured(TOTAL))
        );
        reserved.unwrap().unwrap();
        captured.unwrap().unwrap();
        let view = one.view(order_id).await.unwrap().unwrap();
        assert_eq!((view.status, view.total), (OrderStatus::Confirmed, Some(TOTAL)));
    }
}

//! Parcels in a real database file.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use contracts::orders::OrderConfirmed;
use contracts::shipping::ShipmentDispatched;
use shipping::Shipping;
use sqlx::AnyPool;
use tempfile::TempDir;

fn url(folder: &TempDir) -> String {
    format!("sqlite://{}/shipping.db?mode=rwc", folder.path().display())
}

fn order(order_id: &str) -> OrderConfirmed {
    let order = serde_json::json!({
        "order_id": order_id,
        "customer": {"name": "Zoë Lapin", "email": "zoe@example.org"},
        "lines": [{"sku": "MUG-BLUE", "quantity": 2}],
        "total": {"amount": 2500, "currency": "EUR"},
    });
    serde_json::from_value(order).unwrap()
}

/// What the service's handler does with an order.
async fn dispatch(shipping: &Shipping, order: &OrderConfirmed) -> Result<ShipmentDispatched, sqlx::Error> {
    let mut transaction = shipping.store().write().await?;
    let dispatched = Shipping::dispatch(&mut transaction, order).await?;
    transaction.commit().await?;
    Ok(dispatched)
}

const NUMBER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[tokio::test]
async fn a_parcel_goes_to_the_customer_under_a_code_made_from_the_order() {
    let folder = tempfile::tempdir().unwrap();
    let shipping = Shipping::at(&url(&folder)).await.unwrap();
    let order = order(NUMBER);
    let dispatched = dispatch(&shipping, &order).await.unwrap();
    assert_eq!((dispatched.order_id, dispatched.customer), (order.order_id, order.customer));
    assert_eq!(dispatched.tracking_code, "GRN-B302-099A-8057");
}

#[tokio::test]
async fn an_order_that_reaches_two_replicas_gets_one_parcel_and_one_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (Shipping::at(&url(&folder)).await.unwrap(), Shipping::at(&url(&folder)).await.unwrap());
    let order = order(NUMBER);
    let (here, there) = tokio::join!(dispatch(&one, &order), dispatch(&other, &order));
    assert_eq!(here.unwrap(), there.unwrap());
    let pool = AnyPool::connect(&url(&folder)).await.unwrap();
    let (parcels,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM shipments").fetch_one(&pool).await.unwrap();
    assert_eq!(parcels, 1);
}

//! Parcels: one per order.

use contracts::orders::OrderConfirmed;
use contracts::shipping::ShipmentDispatched;
use contracts::values::{Customer, OrderId};
use garenne::store::{Json, Store, StoreError, Transaction, Word};

use crate::config;

/// The parcels of the shop.
#[derive(Debug, Clone)]
pub struct Shipping {
    store: Store,
}

impl Shipping {
    /// Opens the database that the environment names.
    ///
    /// # Errors
    ///
    /// When `DATABASE_URL` is missing or the database cannot be opened.
    pub async fn open() -> Result<Self, StoreError> {
        Self::at(&config::database_url()).await
    }

    /// Opens the database at this URL.
    ///
    /// # Errors
    ///
    /// When the database cannot be opened.
    pub async fn at(url: &str) -> Result<Self, StoreError> {
        Ok(Self { store: Store::open(url, &sqlx::migrate!()).await? })
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Hands the order's parcel to the carrier. An order that arrives again, under whatever message id, gets no second
    /// parcel but the same answer.
    ///
    /// # Errors
    ///
    /// When the database fails: try again.
    pub async fn dispatch(
        transaction: &mut Transaction,
        order: &OrderConfirmed,
    ) -> Result<ShipmentDispatched, sqlx::Error> {
        let order_id = order.order_id;
        let inserted = sqlx::query(
            "INSERT INTO shipments (order_id, customer, tracking_code) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(Word(order_id))
        .bind(Json(&order.customer))
        .bind(tracking_code(order_id))
        .execute(&mut **transaction)
        .await?;
        let (Json(customer), tracking_code): (Json<Customer>, String) =
            sqlx::query_as("SELECT customer, tracking_code FROM shipments WHERE order_id = $1")
                .bind(Word(order_id))
                .fetch_one(&mut **transaction)
                .await?;
        if inserted.rows_affected() == 1 {
            tracing::info!(%order_id, tracking_code, "shipment dispatched");
        }
        Ok(ShipmentDispatched { order_id, customer, tracking_code })
    }
}

/// The carrier's name for the parcel: what the order's number ends with, easy to read aloud.
fn tracking_code(order_id: OrderId) -> String {
    let number = order_id.to_string().to_uppercase();
    let mut code = String::from("GRN");
    for (index, letter) in number.chars().filter(char::is_ascii_alphanumeric).skip(20).enumerate() {
        if index % 4 == 0 {
            code.push('-');
        }
        code.push(letter);
    }
    code
}

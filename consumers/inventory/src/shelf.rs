//! Articles: taking units from the shelf, putting them back, counting them.

use contracts::inventory::StockLevel;
use contracts::orders::OrderPlaced;
use contracts::values::{Money, OrderId, OrderLine, OrderLines, Quantity, Sku};
use garenne::store::{Transaction, Word};
use sqlx::{AnyConnection, AnyPool};

/// An article that cannot be served, and how many there are; no number when there is no such article.
pub(crate) struct Missing {
    pub(crate) sku: Sku,
    pub(crate) available: Option<u32>,
}

type ArticleRow = (Word<Sku>, String, i64, i64);

/// Takes every line of the order; returns what they cost. Roll back when something is missing.
///
/// Articles are taken in the order of their numbers: two orders that want the same ones then never wait for each
/// other in a circle.
pub(crate) async fn take(
    connection: &mut AnyConnection,
    order: &OrderPlaced,
    now: i64,
) -> Result<Result<Money, Missing>, sqlx::Error> {
    let mut lines: Vec<&OrderLine> = order.lines.iter().collect();
    lines.sort_by(|one, other| one.sku.cmp(&other.sku));
    let mut total = Money::euro_cents(0);
    for OrderLine { sku, quantity } in lines {
        let taken: Option<(i64,)> = sqlx::query_as(
            "UPDATE articles SET stock = stock - $2 WHERE sku = $1 AND stock >= $2 RETURNING price_cents",
        )
        .bind(Word(sku))
        .bind(i64::from(quantity.get()))
        .fetch_optional(&mut *connection)
        .await?;
        let Some((price,)) = taken else {
            let available = level(&mut *connection, sku).await?.map(|level| level.available);
            return Ok(Err(Missing { sku: sku.clone(), available }));
        };
        sqlx::query("INSERT INTO reserved_lines (order_id, sku, units, reserved_at) VALUES ($1, $2, $3, $4)")
            .bind(Word(order.order_id))
            .bind(Word(sku))
            .bind(i64::from(quantity.get()))
            .bind(now)
            .execute(&mut *connection)
            .await?;
        total = Money::euro_cents(price).times(*quantity).and_then(|cost| total.plus(cost)).map_err(undecodable)?;
    }
    Ok(Ok(total))
}

/// Puts back what lies aside for the order; returns it.
pub(crate) async fn put_back(
    transaction: &mut Transaction,
    order_id: OrderId,
    now: i64,
) -> Result<OrderLines, sqlx::Error> {
    let rows: Vec<(Word<Sku>, i64)> =
        sqlx::query_as("SELECT sku, units FROM reserved_lines WHERE order_id = $1 ORDER BY sku")
            .bind(Word(order_id))
            .fetch_all(&mut **transaction)
            .await?;
    let mut lines = Vec::with_capacity(rows.len());
    for (Word(sku), units) in rows {
        sqlx::query("UPDATE articles SET stock = stock + $2 WHERE sku = $1")
            .bind(Word(&sku))
            .bind(units)
            .execute(&mut **transaction)
            .await?;
        lines.push(OrderLine { sku, quantity: Quantity::try_from(units).map_err(undecodable)? });
    }
    sqlx::query(
        "INSERT INTO released_lines (order_id, sku, units, reserved_at, released_at)
         SELECT order_id, sku, units, reserved_at, $2 FROM reserved_lines WHERE order_id = $1",
    )
    .bind(Word(order_id))
    .bind(now)
    .execute(&mut **transaction)
    .await?;
    sqlx::query("DELETE FROM reserved_lines WHERE order_id = $1")
        .bind(Word(order_id))
        .execute(&mut **transaction)
        .await?;
    OrderLines::try_from(lines).map_err(undecodable)
}

pub(crate) async fn level(executor: impl sqlx::AnyExecutor<'_>, sku: &Sku) -> Result<Option<StockLevel>, sqlx::Error> {
    let row: Option<ArticleRow> = sqlx::query_as("SELECT sku, name, price_cents, stock FROM articles WHERE sku = $1")
        .bind(Word(sku))
        .fetch_optional(executor)
        .await?;
    row.map(stock_level).transpose()
}

pub(crate) async fn levels(pool: &AnyPool) -> Result<Vec<StockLevel>, sqlx::Error> {
    let rows: Vec<ArticleRow> =
        sqlx::query_as("SELECT sku, name, price_cents, stock FROM articles ORDER BY sku").fetch_all(pool).await?;
    rows.into_iter().map(stock_level).collect()
}

fn stock_level((Word(sku), name, price, stock): ArticleRow) -> Result<StockLevel, sqlx::Error> {
    let available = u32::try_from(stock).map_err(undecodable)?;
    Ok(StockLevel { sku, name, price: Money::euro_cents(price), available })
}

/// The database holds what the shop cannot have written.
fn undecodable(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

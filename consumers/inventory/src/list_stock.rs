//! What does the shop sell?

use contracts::inventory::{ListStock, StockLevel};
use garenne::{Classify, Context, NoError, Refusal};

use crate::Inventory;

pub(crate) async fn list_stock(_: ListStock, ctx: Context<Inventory>) -> Result<Vec<StockLevel>, Refusal<NoError>> {
    Ok(ctx.state().levels().await.or_retry()?)
}

//! How many of an article are there, and what does it cost?

use contracts::inventory::{CheckStock, StockLevel, UnknownArticle};
use garenne::{Classify, Context, Refusal};

use crate::Inventory;

pub(crate) async fn check_stock(
    ask: CheckStock,
    ctx: Context<Inventory>,
) -> Result<StockLevel, Refusal<UnknownArticle>> {
    let level = ctx.state().level(&ask.sku).await.or_retry()?;
    level.ok_or_else(|| Refusal::domain(UnknownArticle { sku: ask.sku }))
}

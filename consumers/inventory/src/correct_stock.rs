//! The shelf was counted: the books follow.

use contracts::warehouse::StockCounted;
use garenne::{Classify, Context, Failure};

use crate::{Counted, Inventory};

pub(crate) async fn correct_stock(count: StockCounted, ctx: Context<Inventory>) -> Result<(), Failure> {
    let scanner = ctx.message().device().unwrap_or_default();
    let mut transaction = ctx.transaction().await?;
    match Inventory::correct(&mut transaction, scanner, &count).await.or_retry()? {
        Counted::Refused(why) => return Err(Failure::dead_letter(why)),
        Counted::Corrected(units) => {
            tracing::info!(scanner, count_id = %count.count_id, sku = %count.sku, units, "stock corrected");
        }
        Counted::Known | Counted::Outdated => {
            tracing::info!(scanner, count_id = %count.count_id, sku = %count.sku, "a count that changes nothing");
        }
    }
    Ok(())
}

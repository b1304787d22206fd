//! The shelf was counted: the books follow.

use contracts::warehouse::StockCounted;
use garenne::{Classify, Context, Failure};

use crate::{Counted, Inventory};

pub(crate) async fn correct_stock(count: StockCounted, ctx: Context<Inventory>) -> Result<(), Failure> {
    // Only through the exchange for devices has the broker compared the name with the user.
    let Some(scanner) = ctx.message().device() else {
        return Err(Failure::dead_letter("a count that came from no device"));
    };
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

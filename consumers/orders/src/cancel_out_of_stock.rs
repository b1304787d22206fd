//! An article is missing: the order is cancelled.

use contracts::inventory::StockRejected;
use contracts::orders::CancelReason;
use garenne::{Classify, Context, Failure};

use crate::{Fact, Orders};

pub(crate) async fn cancel_out_of_stock(rejected: StockRejected, ctx: Context<Orders>) -> Result<(), Failure> {
    let mut transaction = ctx.transaction().await?;
    let order =
        Orders::record(&mut transaction, rejected.order_id, Fact::Rejected).await.or_retry()?.or_dead_letter()?;
    ctx.publish(&order.cancelled(CancelReason::OutOfStock)).await?;
    Ok(())
}

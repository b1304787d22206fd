//! An order was cancelled: what lies aside for it goes back on the shelf.

use contracts::orders::OrderCancelled;
use garenne::{Classify, Context, Failure};

use crate::Inventory;

pub(crate) async fn release_stock(cancelled: OrderCancelled, ctx: Context<Inventory>) -> Result<(), Failure> {
    let mut transaction = ctx.transaction().await?;
    if let Some(released) = Inventory::release(&mut transaction, cancelled.order_id).await.or_retry()? {
        ctx.publish(&released).await?;
    }
    Ok(())
}

//! An order was confirmed: its parcel leaves.

use contracts::orders::OrderConfirmed;
use garenne::{Classify, Context, Failure};

use crate::Shipping;

pub(crate) async fn dispatch_parcel(order: OrderConfirmed, ctx: Context<Shipping>) -> Result<(), Failure> {
    let mut transaction = ctx.transaction().await?;
    let dispatched = Shipping::dispatch(&mut transaction, &order).await.or_retry()?;
    ctx.publish(&dispatched).await?;
    Ok(())
}

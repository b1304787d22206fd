//! The card was declined: the order is cancelled.

use contracts::orders::CancelReason;
use contracts::payments::PaymentDeclined;
use garenne::{Classify, Context, Failure};

use crate::{Fact, Orders};

pub(crate) async fn cancel_declined(declined: PaymentDeclined, ctx: Context<Orders>) -> Result<(), Failure> {
    let mut transaction = ctx.transaction().await?;
    let order =
        Orders::record(&mut transaction, declined.order_id, Fact::Declined).await.or_retry()?.or_dead_letter()?;
    ctx.publish(&order.cancelled(CancelReason::PaymentDeclined)).await?;
    Ok(())
}

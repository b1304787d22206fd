//! The money is there: the order is confirmed.

use contracts::orders::OrderConfirmed;
use contracts::payments::PaymentCaptured;
use garenne::{Classify, Context, Failure};

use crate::{Fact, Orders};

pub(crate) async fn confirm_order(captured: PaymentCaptured, ctx: Context<Orders>) -> Result<(), Failure> {
    let PaymentCaptured { order_id, amount, .. } = captured;
    let mut transaction = ctx.transaction().await?;
    let order =
        Orders::record(&mut transaction, order_id, Fact::Captured(amount)).await.or_retry()?.or_dead_letter()?;
    let (customer, lines) = (order.customer, order.lines);
    ctx.publish(&OrderConfirmed { order_id, customer, lines, total: amount }).await?;
    Ok(())
}

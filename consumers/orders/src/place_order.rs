//! A customer pressed "buy": store the order and say so.

use contracts::storefront::CheckoutSubmitted;
use garenne::{Classify, Context, Failure};

use crate::Orders;

pub(crate) async fn place_order(checkout: CheckoutSubmitted, ctx: Context<Orders>) -> Result<(), Failure> {
    let mut transaction = ctx.transaction().await?;
    if let Some(placed) = Orders::place(&mut transaction, &checkout).await.or_retry()?.or_dead_letter()? {
        ctx.publish(&placed).await?;
    }
    Ok(())
}

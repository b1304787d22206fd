//! The stock is reserved: capture the money and say so, or say that the card was declined.

use contracts::inventory::StockReserved;
use garenne::{Classify, Context, Failure};

use crate::{Charge, Payments};

pub(crate) async fn charge_card(reserved: StockReserved, ctx: Context<Payments>) -> Result<(), Failure> {
    let asked = ctx.state().ask(&reserved).await.or_retry()?;
    let mut transaction = ctx.transaction().await?;
    match asked.settle(&mut transaction).await.or_retry()? {
        Charge::Captured(captured) => ctx.publish(&captured).await?,
        Charge::Declined(declined) => ctx.publish(&declined).await?,
    };
    Ok(())
}

//! The stock is reserved: note it, and what the order costs.

use contracts::inventory::StockReserved;
use garenne::{Classify, Context, Failure};

use crate::{Fact, Orders};

pub(crate) async fn note_reservation(reserved: StockReserved, ctx: Context<Orders>) -> Result<(), Failure> {
    let mut transaction = ctx.transaction().await?;
    Orders::record(&mut transaction, reserved.order_id, Fact::Reserved(reserved.total))
        .await
        .or_retry()?
        .or_dead_letter()?;
    Ok(())
}

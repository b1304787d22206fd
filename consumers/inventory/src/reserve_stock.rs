//! An order was placed: put its lines aside and say so, or say what is missing.

use contracts::orders::OrderPlaced;
use garenne::{Classify, Context, Failure};

use crate::{Inventory, Outcome};

pub(crate) async fn reserve_stock(order: OrderPlaced, ctx: Context<Inventory>) -> Result<(), Failure> {
    let mut transaction = ctx.transaction().await?;
    match Inventory::reserve(&mut transaction, &order).await.or_retry()? {
        Outcome::Reserved(reserved) => ctx.publish(&reserved).await?,
        Outcome::Rejected(rejected) => ctx.publish(&rejected).await?,
        Outcome::Void => return Ok(()),
    };
    Ok(())
}

//! The parcel left: the order has reached its end.

use contracts::shipping::ShipmentDispatched;
use garenne::{Classify, Context, Failure};

use crate::{Fact, Orders};

pub(crate) async fn note_dispatch(shipment: ShipmentDispatched, ctx: Context<Orders>) -> Result<(), Failure> {
    let mut transaction = ctx.transaction().await?;
    Orders::record(&mut transaction, shipment.order_id, Fact::Dispatched).await.or_retry()?.or_dead_letter()?;
    Ok(())
}

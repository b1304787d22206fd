//! A parcel left: tell the customer.

use contracts::shipping::ShipmentDispatched;
use garenne::{Classify, Context, Failure};

use crate::{Mail, Notifications};

pub(crate) async fn tell_dispatched(shipment: ShipmentDispatched, ctx: Context<Notifications>) -> Result<(), Failure> {
    let mail = Mail::try_from(&shipment).or_dead_letter()?;
    ctx.state().send(&mail).await.or_retry()
}

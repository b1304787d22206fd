//! A parcel left: tell the customer.

use contracts::shipping::ShipmentDispatched;
use garenne::{Context, Failure};

use crate::tell::tell;
use crate::{Mail, Notifications};

pub(crate) async fn tell_dispatched(shipment: ShipmentDispatched, ctx: Context<Notifications>) -> Result<(), Failure> {
    tell(Mail::try_from(&shipment), ctx).await
}

//! An order was confirmed: tell the customer.

use contracts::orders::OrderConfirmed;
use garenne::{Context, Failure};

use crate::tell::tell;
use crate::{Mail, Notifications};

pub(crate) async fn tell_confirmed(confirmed: OrderConfirmed, ctx: Context<Notifications>) -> Result<(), Failure> {
    tell(Mail::try_from(&confirmed), ctx).await
}

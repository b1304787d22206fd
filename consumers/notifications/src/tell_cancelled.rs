//! An order was cancelled: tell the customer.

use contracts::orders::OrderCancelled;
use garenne::{Context, Failure};

use crate::tell::tell;
use crate::{Mail, Notifications};

pub(crate) async fn tell_cancelled(cancelled: OrderCancelled, ctx: Context<Notifications>) -> Result<(), Failure> {
    tell(Mail::try_from(&cancelled), ctx).await
}

//! An order was cancelled: tell the customer.

use contracts::orders::OrderCancelled;
use garenne::{Classify, Context, Failure};

use crate::{Mail, Notifications};

pub(crate) async fn tell_cancelled(cancelled: OrderCancelled, ctx: Context<Notifications>) -> Result<(), Failure> {
    let mail = Mail::try_from(&cancelled).or_dead_letter()?;
    ctx.state().send(&mail).await.or_retry()
}

//! An order was confirmed: tell the customer.

use contracts::orders::OrderConfirmed;
use garenne::{Classify, Context, Failure};

use crate::{Mail, Notifications};

pub(crate) async fn tell_confirmed(confirmed: OrderConfirmed, ctx: Context<Notifications>) -> Result<(), Failure> {
    let mail = Mail::try_from(&confirmed).or_dead_letter()?;
    ctx.state().send(&mail).await.or_retry()
}

//! What all mails have in common.

use garenne::{Classify, Context, Failure};

use crate::Notifications;
use crate::mail::{Mail, UnusableAddress};

/// Tells the customer, once for each message.
pub(crate) async fn tell(mail: Result<Mail, UnusableAddress>, ctx: Context<Notifications>) -> Result<(), Failure> {
    let mail = mail.or_dead_letter()?;
    ctx.state().send(&mail).await.or_retry()?;
    let mut transaction = ctx.transaction().await?;
    Notifications::remember(&mut transaction, &mail).await.or_retry()
}

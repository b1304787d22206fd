//! Entries of the log came: the confirmed orders among them were sold.

use contracts::orders::OrderConfirmed;
use garenne::log::Page;
use garenne::{Classify, Context, Failure};

use crate::{Analytics, Sold};

pub(crate) async fn count_sales(page: Page, ctx: Context<Analytics>) -> Result<(), Failure> {
    let sold: Vec<Sold> =
        page.events::<OrderConfirmed>().map(|(entry, order)| Sold::new(order, entry.sent_at())).collect();
    let mut transaction = ctx.transaction().await?;
    let goes_on_after =
        Analytics::count(&mut transaction, &sold, page.last_offset(), page.missed()).await.or_retry()?;
    if let Some(offset) = goes_on_after {
        page.go_on_after(offset);
    }
    Ok(())
}

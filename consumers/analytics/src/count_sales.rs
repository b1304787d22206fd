//! Entries of the log came: the confirmed orders among them were sold.

use contracts::orders::OrderConfirmed;
use garenne::log::Page;
use garenne::{Classify, Context, Failure};

use crate::{Analytics, GoOn, Sold};

pub(crate) async fn count_sales(page: Page, ctx: Context<Analytics>) -> Result<(), Failure> {
    let sold: Vec<Sold> =
        page.events::<OrderConfirmed>().map(|(entry, order)| Sold::new(order, entry.sent_at())).collect();
    let mut transaction = ctx.transaction().await?;
    match Analytics::count(&mut transaction, &sold, page.last_offset(), page.missed()).await.or_retry()? {
        GoOn::AfterThePage => {}
        GoOn::After(offset) => page.go_on_after(offset),
        GoOn::FromTheBeginning => page.begin_again(),
    }
    Ok(())
}

//! What was sold?

use contracts::analytics::{GetSales, Sales};
use garenne::{Classify, Context, NoError, Refusal};

use crate::Analytics;

pub(crate) async fn get_sales(ask: GetSales, ctx: Context<Analytics>) -> Result<Sales, Refusal<NoError>> {
    Ok(ctx.state().sales(ask.minutes).await.or_retry()?)
}

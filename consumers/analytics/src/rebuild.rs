//! Everything shall be counted anew.

use contracts::analytics::{Rebuild, Rebuilding};
use garenne::{Classify, Context, NoError, Refusal};

use crate::Analytics;

pub(crate) async fn rebuild(_: Rebuild, ctx: Context<Analytics>) -> Result<Rebuilding, Refusal<NoError>> {
    let mut transaction = ctx.transaction().await?;
    Ok(Analytics::rebuild(&mut transaction).await.or_retry()?)
}

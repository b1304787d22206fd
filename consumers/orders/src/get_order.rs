//! Where does my order stand?

use contracts::orders::{GetOrder, OrderView, UnknownOrder};
use garenne::{Classify, Context, Refusal};

use crate::Orders;

pub(crate) async fn get_order(ask: GetOrder, ctx: Context<Orders>) -> Result<OrderView, Refusal<UnknownOrder>> {
    let order = ctx.state().view(ask.order_id).await.or_retry()?;
    order.ok_or_else(|| Refusal::domain(UnknownOrder { order_id: ask.order_id }))
}

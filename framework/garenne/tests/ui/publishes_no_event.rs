use garenne::{Context, Event, Failure, Service};
use serde::{Deserialize, Serialize};

struct Billing;

#[derive(Event, Serialize, Deserialize)]
#[event(name = "orders.order-placed")]
struct OrderPlaced {
    order_id: u64,
}

#[derive(Serialize)]
struct InvoiceWritten;

async fn write_invoice(_: OrderPlaced, ctx: Context<Billing>) -> Result<(), Failure> {
    ctx.publish(&InvoiceWritten).await?;
    Ok(())
}

fn main() {
    let _ = Service::<Billing>::new("billing").on(write_invoice);
}

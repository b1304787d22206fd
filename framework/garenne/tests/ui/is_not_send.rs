use garenne::{Context, Event, Failure, Service};
use serde::{Deserialize, Serialize};

struct Billing;

#[derive(Event, Serialize, Deserialize)]
#[event(name = "orders.order-placed")]
struct OrderPlaced {
    order_id: u64,
}

async fn write_invoice(order: OrderPlaced, ctx: Context<Billing>) -> Result<(), Failure> {
    let shared = std::rc::Rc::new(order);
    ctx.publish(&*shared).await?;
    drop(shared);
    Ok(())
}

fn main() {
    let _ = Service::<Billing>::new("billing").on(write_invoice);
}

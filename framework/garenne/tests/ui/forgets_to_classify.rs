use garenne::{Context, Event, Failure, Service};
use serde::{Deserialize, Serialize};

struct Billing;

#[derive(Event, Serialize, Deserialize)]
#[event(name = "orders.order-placed")]
struct OrderPlaced {
    order_id: u64,
}

async fn write_invoice(order: OrderPlaced, _: Context<Billing>) -> Result<(), Failure> {
    std::fs::write("invoice", order.order_id.to_string())?;
    Ok(())
}

fn main() {
    let _ = Service::<Billing>::new("billing").on(write_invoice);
}

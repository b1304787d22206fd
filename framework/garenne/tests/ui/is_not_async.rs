use garenne::{Context, Event, Failure, Service};
use serde::{Deserialize, Serialize};

struct Billing;

#[derive(Event, Serialize, Deserialize)]
#[event(name = "orders.order-placed")]
struct OrderPlaced {
    order_id: u64,
}

fn write_invoice(_: OrderPlaced, _: Context<Billing>) -> Result<(), Failure> {
    Ok(())
}

fn main() {
    let _ = Service::<Billing>::new("billing").on(write_invoice);
}

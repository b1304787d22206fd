use garenne::{Context, Failure, Service};
use serde::{Deserialize, Serialize};

struct Billing;

#[derive(Serialize, Deserialize)]
struct OrderPlaced {
    order_id: u64,
}

async fn write_invoice(_: OrderPlaced, _: Context<Billing>) -> Result<(), Failure> {
    Ok(())
}

fn main() {
    let _ = Service::<Billing>::new("billing").on(write_invoice);
}

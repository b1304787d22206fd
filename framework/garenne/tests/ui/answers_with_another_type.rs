use garenne::{Context, Refusal, Request, Service};
use serde::{Deserialize, Serialize};

struct Inventory;

#[derive(Request, Serialize, Deserialize)]
#[request(name = "inventory.check-stock", reply = u32)]
struct CheckStock {
    sku: String,
}

async fn check_stock(ask: CheckStock, _: Context<Inventory>) -> Result<String, Refusal<garenne::NoError>> {
    Ok(ask.sku)
}

fn main() {
    let _ = Service::<Inventory>::new("inventory").answer(check_stock);
}

use garenne::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
#[event(title = "orders.order-placed")]
struct Message;

fn main() {}

use garenne::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
#[event(name = "orders.order-placed")]
#[event(name = "orders.order-paid")]
struct Message;

fn main() {}

use garenne::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
#[event(name = "Orders.OrderPlaced")]
struct Message;

fn main() {}

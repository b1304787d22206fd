use garenne::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
#[event(name = "order-placed")]
struct Message;

fn main() {}

use garenne::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
#[event(name = "retry.order-placed")]
struct Message;

fn main() {}

use garenne::Request;
use serde::{Deserialize, Serialize};

#[derive(Request, Serialize, Deserialize)]
#[request(name = "orders.get-order")]
struct Message;

fn main() {}

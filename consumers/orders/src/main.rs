//! The service `orders`.

use std::process::ExitCode;

use orders::Orders;

fn main() -> ExitCode {
    garenne::run(orders::service(), Orders::open)
}

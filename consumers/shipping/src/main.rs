//! The service `shipping`.

use std::process::ExitCode;

use shipping::Shipping;

fn main() -> ExitCode {
    garenne::run(shipping::service(), Shipping::open)
}

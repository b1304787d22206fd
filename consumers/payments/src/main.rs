//! The service `payments`.

use std::process::ExitCode;

use payments::Payments;

fn main() -> ExitCode {
    garenne::run(payments::service(), Payments::open)
}

//! The service `shoppers`.

use std::process::ExitCode;

use shoppers::Shoppers;

fn main() -> ExitCode {
    garenne::run(shoppers::service(), Shoppers::open)
}

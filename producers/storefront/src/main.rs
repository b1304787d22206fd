//! The service `storefront`.

use std::process::ExitCode;

use storefront::Storefront;

fn main() -> ExitCode {
    garenne::run(storefront::service(), Storefront::open)
}

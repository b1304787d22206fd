//! The service `inventory`.

use std::process::ExitCode;

use inventory::Inventory;

fn main() -> ExitCode {
    garenne::run(inventory::service(), Inventory::open)
}

//! The service `notifications`.

use std::process::ExitCode;

use notifications::Notifications;

fn main() -> ExitCode {
    garenne::run(notifications::service(), Notifications::open)
}

//! The service `analytics`.

use std::process::ExitCode;

use analytics::Analytics;

fn main() -> ExitCode {
    garenne::run(analytics::service(), Analytics::open)
}

//! The program that the poison suite attacks.

use std::convert::Infallible;
use std::process::ExitCode;

fn main() -> ExitCode {
    garenne::run(tests::clerk::clerk(), async || Ok::<_, Infallible>(()))
}

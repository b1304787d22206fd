//! One side of a request and its reply, as a process of its own: for the load test, and for `cargo xtask bench rpc`.
//!
//! `RPC_ROLE` says which side it is and of what it is made: `library-answer` and `library-ask` are services of the library,
//! `direct-answer` and `direct-ask` the same exchange written on the AMQP client, with `RPC_BARE` by one connection and the
//! shortest messages. `RPC_DIRECT` has the library's replies come by direct reply-to, `RPC_WORK_MS` says how long its answers take.
//!
//! It reads orders from standard input, a line each, answers each with a line, and ends with its input. A responder takes any
//! line and says what it has [used](orders::Used) so far; a requester takes a [`load::Load`].

mod contract;
mod direct;
mod latencies;
mod library;
mod load;
mod orders;

use std::process::ExitCode;

fn main() -> ExitCode {
    let role = std::env::var("RPC_ROLE").unwrap_or_default();
    match role.as_str() {
        "library-answer" => library::answer(),
        "library-ask" => library::ask(),
        "direct-answer" => direct::answer(),
        "direct-ask" => direct::ask(),
        unknown => {
            eprintln!("RPC_ROLE={unknown:?}: give library-answer, library-ask, direct-answer or direct-ask");
            ExitCode::from(64)
        }
    }
}

//! What `cargo xtask pods` calls once the images are there: every module in a pod, orders through the storefront's HTTP, pods that are
//! killed, scaled and replaced under load, and the laws audited afterwards.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to the person who runs it")]

mod audit;
mod load;
mod options;
mod phases;
mod podman;
mod pods;
mod run;
mod table;

use std::process::ExitCode;

use options::Options;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let options = Options::from_env();
    let wanted = options.clone();
    let mut running = tokio::spawn(async move { run::run(&wanted).await });
    let holds = tokio::select! {
        // A panic has told its reason already.
        ended = &mut running => ended.unwrap_or(false),
        // Who has called this takes the pods down.
        _ = tokio::signal::ctrl_c() => {
            eprintln!("interrupted");
            running.abort();
            return ExitCode::FAILURE;
        }
    };
    if holds {
        return ExitCode::SUCCESS;
    }
    match podman::save_logs(&options.logs).await {
        Ok(()) => println!("\nwhat the pods have said is in {}", options.logs.display()),
        Err(error) => println!("\nwhat the pods have said could not be kept: {error}"),
    }
    ExitCode::FAILURE
}

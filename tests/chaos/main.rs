//! `cargo xtask chaos`: the shop under load, faults from a seeded schedule, and the laws audited afterwards.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to the person who runs it")]

mod audit;
mod balancer;
mod books;
mod customers;
mod fleet;
mod load;
mod log;
mod options;
mod run;
mod table;
mod target;
mod watch;

use std::process::ExitCode;

use options::Options;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let options = Options::from_env();
    let _ = std::fs::remove_dir_all(&options.folder);
    std::fs::create_dir_all(&options.folder).expect("the folder of the run");
    let wanted = options.clone();
    let mut running = tokio::spawn(async move { run::run(&wanted).await });
    let holds = tokio::select! {
        // A panic has told its reason already.
        ended = &mut running => ended.unwrap_or(false),
        // Everything that was started ends with its owner.
        _ = tokio::signal::ctrl_c() => {
            eprintln!("interrupted");
            running.abort();
            let _ = running.await;
            false
        }
    };
    if holds {
        let _ = std::fs::remove_dir_all(&options.folder);
        return ExitCode::SUCCESS;
    }
    println!("\nlogs, books and mail of this run are in {}", options.folder.display());
    println!("the same again: {}", options.command);
    ExitCode::FAILURE
}

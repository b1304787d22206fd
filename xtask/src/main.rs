//! `cargo xtask up | test | chaos | pods | bench | definitions`: what is done to this repository, in one place and without other tools.
#![expect(clippy::print_stdout, reason = "this program talks to the person who runs it")]

mod arguments;
mod bench;
mod build;
mod chaos;
mod claim;
mod definitions;
mod failure;
mod help;
mod interrupts;
mod pods;
mod test;
mod up;
mod workspace;

use std::process::ExitCode;

use arguments::Task;
use failure::Failure;
use pods::Tried;

fn main() -> ExitCode {
    let done =
        arguments::parse(lexopt::Parser::from_env()).map_err(|error| Failure::usage(&error)).and_then(
            |task| match task {
                Task::Help => {
                    print!("{}", help::TEXT);
                    Ok(ExitCode::SUCCESS)
                }
                Task::Up(options) => up::run(&options),
                Task::Test(options) => test::run(&options),
                Task::Chaos(options) => chaos::run(&options),
                Task::Pods(options) => match pods::run(&options)? {
                    Tried::Holds => Ok(ExitCode::SUCCESS),
                    Tried::Impossible(reason) => Err(Failure::new(reason)),
                },
                Task::Bench(options) => bench::run(&options),
                Task::Definitions { check } => definitions::run(check).map(|()| ExitCode::SUCCESS),
            },
        );
    done.unwrap_or_else(|failure| {
        eprintln!("error: {failure}");
        failure.exit_code()
    })
}

//! Calling cargo.

use std::env;
use std::process::Command;

use crate::failure::Failure;
use crate::workspace;

/// A cargo command at the repository's root; its output is cargo's own.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace::root()).args(arguments);
    command
}

/// Runs a command until it ends.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let words: Vec<String> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let line = words.join(" ");
    let status = command.status().map_err(Failure::because(format!("cannot run `{line}`")))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("`{line}` ended with {status}"))) }
}

/// Builds every program of the workspace. All tasks build the same way: cargo then builds each dependency once.
pub(crate) fn programs(release: bool) -> Result<(), Failure> {
    let mut command = cargo(&["build", "--workspace", "--bins"]);
    if release {
        command.arg("--release");
    }
    run(&mut command)
}

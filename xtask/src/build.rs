//! Calling cargo.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::workspace;

/// What `cargo run` says about xtask. Handed on, it makes the build script of `ring` run again, and then everything above it, each
/// time that a build by xtask follows a build by hand.
const ABOUT_XTASK: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_NAME", "CARGO_CRATE_NAME"];

/// A cargo command at the repository's root; its output is cargo's own.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| ABOUT_XTASK.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(name);
        }
    }
    command.current_dir(workspace::root()).args(arguments);
    command
}

/// Runs a command until it ends.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words: Vec<String> =
        std::iter::once(program).chain(command.get_args()).map(|word| word.to_string_lossy().into_owned()).collect();
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

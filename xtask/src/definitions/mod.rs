//! `infra/rabbitmq/definitions.json`: what the services declare, with a user for each. Generated, never edited.

mod devices;
mod difference;
mod document;
mod user;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::failure::Failure;
use crate::{build, workspace};
pub(crate) use devices::SCANNER;

/// Writes the file, or with `check` fails when it is not what would be written.
pub(crate) fn run(check: bool) -> Result<(), Failure> {
    build::programs(false)?;
    let services = workspace::services()?;
    let mut parts = Vec::new();
    for service in &services {
        parts.push((service.as_str(), ask(&workspace::programs(false), service)?));
    }
    let fresh = document::assemble(&parts)?;
    let file = workspace::definitions_file();
    if check { compare(&file, &fresh) } else { write(&file, &fresh) }
}

/// What a service prints with `definitions`.
fn ask(programs: &Path, service: &str) -> Result<Value, Failure> {
    let program = programs.join(service);
    let output = Command::new(&program)
        .arg("definitions")
        .output()
        .map_err(Failure::because(format!("cannot run {}", program.display())))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!("`{service} definitions` ended with {}\n{errors}", output.status)));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(Failure::because(format!("`{service} definitions` did not print JSON")))
}

fn write(file: &Path, fresh: &Value) -> Result<(), Failure> {
    fs::write(file, document::render(fresh)).map_err(Failure::because(format!("cannot write {}", file.display())))?;
    println!("wrote {}: {}", file.display(), rabbitmq_node::Definitions::read(file)?.counts());
    Ok(())
}

fn compare(file: &Path, fresh: &Value) -> Result<(), Failure> {
    let text = fs::read_to_string(file).map_err(Failure::because(format!("cannot read {}", file.display())))?;
    if text == document::render(fresh) {
        return Ok(());
    }
    let committed: Value =
        serde_json::from_str(&text).map_err(Failure::because(format!("{} is not JSON", file.display())))?;
    let mut lines = difference::between(&committed, fresh);
    if lines.is_empty() {
        lines.push("its layout".to_owned());
    }
    Err(Failure::new(format!(
        "{} is not what the services declare:\n  {}\nRun `cargo xtask definitions` and commit the file.",
        file.display(),
        lines.join("\n  ")
    )))
}

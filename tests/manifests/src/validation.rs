//! The schemas: Kubernetes' own, strictly, and those of `tests/manifests/schemas` for the kinds that operators add.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::project::root;
use crate::tools::find_or_install;

/// The oldest Kubernetes that the pages name, that of `infra/aws`, and the newest with a schema.
pub const KUBERNETES: [&str; 3] = ["1.32", "1.35", "1.37"];

/// What of these documents is against its schema on the newest Kubernetes, a line each.
///
/// # Errors
/// When the validator cannot be run.
pub fn validate<'a>(documents: impl IntoIterator<Item = &'a Value>) -> Result<Vec<String>, String> {
    validate_on(&KUBERNETES[2..], documents)
}

/// What of these documents is against its schema on any of these, a line each.
///
/// # Errors
/// When the validator cannot be run.
pub fn validate_on<'a>(
    kubernetes: &[&str],
    documents: impl IntoIterator<Item = &'a Value>,
) -> Result<Vec<String>, String> {
    let input = Value::Array(documents.into_iter().cloned().collect()).to_string();
    let mut child = Command::new(&find_or_install()?.python)
        .arg(root().join("tests/manifests/validate.py"))
        .args(kubernetes)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    // It reads all before it writes anything. Dropped, the pipe ends.
    child
        .stdin
        .take()
        .map(|mut pipe| pipe.write_all(input.as_bytes()))
        .transpose()
        .map_err(|error| error.to_string())?;
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err("tests/manifests/validate.py failed".to_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

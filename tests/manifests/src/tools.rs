//! `kubectl` and the validator, in a folder of the project's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use machine::{last_lines, packages};

use crate::project::root;

/// What was installed, once for this process.
#[derive(Debug)]
pub struct Tools {
    /// The program that renders.
    pub kubectl: PathBuf,
    /// The Python that has the validator.
    pub python: PathBuf,
}

/// Finds them in `target/manifests`, or makes that folder from `requirements.txt`.
///
/// # Errors
/// What is missing on this machine.
pub fn find_or_install() -> Result<&'static Tools, String> {
    static TOOLS: OnceLock<Result<Tools, String>> = OnceLock::new();
    TOOLS.get_or_init(install).as_ref().map_err(Clone::clone)
}

fn install() -> Result<Tools, String> {
    let requirements = root().join("tests/manifests/requirements.txt");
    let wanted = fs::read_to_string(&requirements).map_err(|error| error.to_string())?;
    let folder = root().join("target/manifests");
    let tools = Tools { kubectl: folder.join("bin/kubectl"), python: folder.join("bin/python") };
    let installed = folder.join("installed-requirements.txt");
    // A folder whose base Python has gone away is made anew.
    let runs = |program: &Path| Command::new(program).arg("--version").output().is_ok_and(|out| out.status.success());
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) && runs(&tools.python) {
        return Ok(tools);
    }
    run(Command::new(base()?).args(["-m", "venv", "--clear"]).arg(&folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    run(Command::new(&tools.python).args(pip).arg(&requirements))?;
    fs::write(&installed, wanted).map_err(|error| error.to_string())?;
    Ok(tools)
}

/// A Python that can make virtual environments; Debian keeps that ability in a package of its own.
fn base() -> Result<PathBuf, String> {
    let usable = || {
        let can = |python: &PathBuf| {
            Command::new(python).args(["-c", "import venv, ensurepip"]).output().is_ok_and(|out| out.status.success())
        };
        packages::in_path("python3").filter(can)
    };
    if let Some(python) = usable() {
        return Ok(python);
    }
    if !packages::can_install() {
        return Err("no python3 with venv, and no apt-get to install it with".to_owned());
    }
    packages::install(&["python3-venv"], &mut |_| {}).map_err(|error| error.to_string())?;
    usable().ok_or_else(|| "python3-venv is installed, but the first python3 in PATH has no venv".to_owned())
}

/// Runs a program to its end and returns what it printed.
///
/// # Errors
/// The end of what it complained about.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{command:?} failed:\n{}", last_lines(&String::from_utf8_lossy(&output.stderr), 20)))
}

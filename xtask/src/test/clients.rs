//! Python with the AMQP client that the foreign services of the tests use.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use machine::packages;

use crate::build;
use crate::failure::Failure;
use crate::workspace;

/// The Python of `target/venv`, with what `tests/requirements.txt` names.
pub(super) fn python(progress: &mut dyn FnMut(&str)) -> Result<PathBuf, Failure> {
    let requirements = workspace::root().join("tests/requirements.txt");
    let wanted = fs::read_to_string(&requirements)
        .map_err(Failure::because(format!("cannot read {}", requirements.display())))?;
    let folder = workspace::target().join("venv");
    let python = folder.join("bin/python");
    let installed = folder.join("installed-requirements.txt");
    // A folder whose base Python has gone away is made anew.
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) && runs(&python, &["--version"]) {
        return Ok(python);
    }
    let base = base(progress)?;
    progress("making target/venv for the clients in Python");
    build::run(Command::new(base).args(["-m", "venv", "--clear"]).arg(&folder))?;
    build::run(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(&requirements),
    )?;
    fs::write(&installed, wanted).map_err(Failure::because(format!("cannot write {}", installed.display())))?;
    Ok(python)
}

/// A Python that can make virtual environments; Debian keeps that ability in a package of its own.
fn base(progress: &mut dyn FnMut(&str)) -> Result<PathBuf, Failure> {
    let usable = || packages::in_path("python3").filter(|python| runs(python, &["-c", "import venv, ensurepip"]));
    if let Some(python) = usable() {
        return Ok(python);
    }
    if !packages::can_install() {
        return Err(Failure::new("no python3 with venv, and no apt-get to install it with"));
    }
    packages::install(&["python3-venv"], progress)?;
    usable().ok_or_else(|| Failure::new("python3-venv is installed, but the first python3 in PATH has no venv"))
}

fn runs(program: &Path, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

//! What runs the clients that are not ours: Python and Node with libraries from their registries, and Mosquitto's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use machine::packages;

use crate::build;
use crate::failure::Failure;
use crate::workspace;

/// The suites that run programs in Python.
pub(super) const IN_PYTHON: [&str; 5] =
    ["interop::pika::", "interop::aio_pika::", "interop::faststream::", "interop::cloud_events::", "interop::paho::"];
/// The suites that publish over MQTT.
pub(super) const OVER_MQTT: [&str; 2] = ["interop::mosquitto::", "interop::paho::"];
/// The folders of `tests/clients` with programs for Node, and the suites that run them.
pub(super) const IN_NODE: [(&str, &str); 1] = [("amqplib", "interop::amqplib::")];

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

/// The MQTT client of Debian's.
pub(super) fn mosquitto(progress: &mut dyn FnMut(&str)) -> Result<PathBuf, Failure> {
    if let Some(program) = packages::in_path("mosquitto_pub") {
        return Ok(program);
    }
    if !packages::can_install() {
        return Err(Failure::new("no mosquitto_pub, and no apt-get to install it with"));
    }
    packages::install(&["mosquitto-clients"], progress)?;
    packages::in_path("mosquitto_pub").ok_or_else(|| Failure::new("mosquitto-clients is installed, but not in PATH"))
}

/// Node, with what each `package-lock.json` names beside its programs. Nothing is compiled or downloaded by install scripts.
pub(super) fn node(progress: &mut dyn FnMut(&str)) -> Result<PathBuf, Failure> {
    let (node, npm) = match (packages::in_path("node"), packages::in_path("npm")) {
        (Some(node), Some(npm)) => (node, npm),
        _ if !packages::can_install() => {
            return Err(Failure::new("no node with npm, and no apt-get to install them with"));
        }
        _ => {
            packages::install(&["nodejs", "npm"], progress)?;
            let found = packages::in_path("node").zip(packages::in_path("npm"));
            found.ok_or_else(|| Failure::new("nodejs and npm are installed, but not in PATH"))?
        }
    };
    for (name, _) in IN_NODE {
        let folder = workspace::root().join("tests/clients").join(name);
        let lock = folder.join("package-lock.json");
        let wanted = fs::read_to_string(&lock).map_err(Failure::because(format!("cannot read {}", lock.display())))?;
        let installed = folder.join("node_modules/installed-package-lock.json");
        if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
            continue;
        }
        progress(&format!("installing what tests/clients/{name} needs from the npm registry"));
        let options = ["ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"];
        build::run(Command::new(&npm).args(options).current_dir(&folder))?;
        fs::write(&installed, wanted).map_err(Failure::because(format!("cannot write {}", installed.display())))?;
    }
    Ok(node)
}

fn runs(program: &Path, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

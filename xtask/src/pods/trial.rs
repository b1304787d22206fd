//! Whether this machine can run pods: what they need is installed, and one container is started for real.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use machine::{packages, poll};

use super::engine::Engine;
use crate::failure::Failure;

/// Debian's packages, each with a program of its name, in the folder below or in `PATH`. `iptables` is netavark's, also where it makes no
/// rule; `catatonit` holds a pod's network.
const PACKAGES: [&str; 6] = ["podman", "runc", "netavark", "aardvark-dns", "catatonit", "iptables"];
/// Where Debian keeps the programs that only podman calls.
const HELPERS: &str = "/usr/lib/podman";
const CONTAINER: &str = "trial";
/// How long the container may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why pods cannot be had here whatever is installed; nothing where they may be.
pub(super) fn impossible() -> Option<&'static str> {
    if !cfg!(target_os = "linux") {
        return Some("pods are a matter of Linux");
    }
    if !rustix::process::geteuid().is_root() {
        return Some("pods are reached at their own addresses, which only root's network lets one do: run it as root");
    }
    None
}

/// Installs what is missing.
pub(super) fn install(progress: &mut dyn FnMut(&str)) -> Result<(), Failure> {
    let missing = || PACKAGES.into_iter().filter(|program| find(program).is_none()).collect::<Vec<_>>();
    if missing().is_empty() {
        return Ok(());
    }
    if !packages::can_install() {
        let missing = missing().join(", ");
        return Err(Failure::new(format!("no {missing}, and no apt-get to install them with")));
    }
    packages::install(&PACKAGES, progress)?;
    match missing()[..] {
        [] => Ok(()),
        ref missing => {
            Err(Failure::new(format!("{} are installed, but not {}", PACKAGES.join(", "), missing.join(", "))))
        }
    }
}

/// Starts a container of one static program on a network of its own, with a limit of memory, and returns what podman said if that
/// did not work: namespaces, cgroups, overlays or bridges that are not for us.
pub(super) fn run(engine: &Engine) -> Result<(), String> {
    let context = engine.folder().join("trial");
    let program = find("catatonit").ok_or("no catatonit")?;
    let copied = fs::create_dir_all(&context).and_then(|()| fs::copy(program, context.join("program")));
    copied.map_err(|error| format!("cannot fill {}: {error}", context.display()))?;
    let file = context.join("Containerfile");
    let written = fs::write(&file, "FROM scratch\nCOPY program /program\nENTRYPOINT [\"/program\"]\n");
    written.map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    engine.call(&["build", "--quiet", "--tag", "localhost/trial:dev", &context.display().to_string()])?;
    // Names are kept where the machine's own podman keeps them.
    let network = &format!("trial-{}", std::process::id());
    engine.call(&["network", "create", "--internal", network])?;
    let limits = ["--memory", "64m", "--read-only", "--cap-drop", "all", "--user", "65532"];
    let words = ["run", "--detach", "--name", CONTAINER, "--pull", "never", "--network", network];
    engine.call(&[&words[..], &limits[..], &["localhost/trial:dev", "--version"]].concat())?;
    // podman itself would wait for a process to be reaped, which in a container of the machine's own nobody may do.
    let state = || engine.call(&["inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", CONTAINER]);
    let ended = poll(PATIENCE, || state().is_ok_and(|state| ["exited 0", "stopped 0"].contains(&&*state)));
    if !ended {
        let said = engine.call(&["logs", CONTAINER]).unwrap_or_else(|words| words);
        return Err(format!("a container that has nothing to do is {}: {said}", state()?));
    }
    engine.call(&["rm", "--force", "--time", "0", CONTAINER])?;
    engine.call(&["network", "rm", network])?;
    Ok(())
}

fn find(program: &str) -> Option<PathBuf> {
    let helper = Path::new(HELPERS).join(program);
    if helper.is_file() { Some(helper) } else { packages::in_path(program) }
}

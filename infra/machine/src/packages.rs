//! Installing what is missing with Debian's apt-get.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::{Error, last_lines};

/// Run by root's shell with the packages as arguments.
///
/// A Debian package starts its service as soon as it is installed; `policy-rc.d` is Debian's way to forbid that. Where there is none,
/// one stands there for as long as the installation takes. A new RabbitMQ service is also disabled, lest it take port 5672 at the next
/// boot; a new PostgreSQL is told to make no cluster, lest that take 5432.
const SCRIPT: &str = r#"
set -eu
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 0755 "$policy"
fi
cluster=/etc/postgresql-common/createcluster.conf
for package in "$@"; do
    if [ "$package" = postgresql ] && [ ! -e "$cluster" ]; then
        mkdir -p "${cluster%/*}"
        echo 'create_main_cluster = false' > "$cluster"
        export UCF_FORCE_CONFFOLD=1
    fi
done
apt-get update --quiet
apt-get install --quiet --yes --no-install-recommends "$@"
if [ -d /run/systemd/system ]; then
    for package in "$@"; do
        if [ "$package" = rabbitmq-server ]; then systemctl disable rabbitmq-server.service; fi
    done
fi
"#;

/// Whether this machine has apt-get, and this user may use it: as root, or through sudo.
#[must_use]
pub fn can_install() -> bool {
    in_path("apt-get").is_some() && (is_root() || in_path("sudo").is_some())
}

/// Installs Debian packages with `apt-get update` and `apt-get install`, through sudo when not root. `progress` gets a line that says
/// so first. Nothing is started as a system service.
///
/// # Errors
/// [`Error::Install`] with the end of what apt-get printed, [`Error::Run`] when it does not run at all.
pub fn install(packages: &[&str], progress: &mut dyn FnMut(&str)) -> Result<(), Error> {
    let by = if is_root() { "apt-get" } else { "sudo apt-get" };
    let names = packages.join(" ");
    progress(&format!("{names}: missing on this machine; installing with {by} (its system service is not started)"));
    let shell = ["/bin/sh", "-c", SCRIPT, "install"];
    let mut command = if is_root() { Command::new(shell[0]) } else { Command::new("sudo") };
    command.args(if is_root() { &shell[1..] } else { &shell[..] }).args(packages);
    // stdin stays: sudo may ask for a password.
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .map_err(|source| Error::Run { program: PathBuf::from(command.get_program()), source })?;
    if output.status.success() {
        progress(&format!("{names}: installed"));
        return Ok(());
    }
    let printed = [output.stdout, output.stderr].concat();
    Err(Error::Install {
        command: format!("{by} install {names}"),
        output: last_lines(&String::from_utf8_lossy(&printed), 20),
    })
}

/// The first program of this name in `PATH`.
#[must_use]
pub fn in_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(test)]
mod tests {
    use super::in_path;

    #[test]
    fn programs_are_found_in_path_only() {
        assert!(in_path("sh").is_some());
        assert!(in_path("no-such-program").is_none());
    }
}

//! Where RabbitMQ's programs are on this machine.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::packages;

/// Where Debian and its relatives, Fedora and Alpine keep the scripts that do not insist on being root or `rabbitmq`.
const PACKAGED: [&str; 2] = ["/usr/lib/rabbitmq", "/usr/lib64/rabbitmq"];

/// One RabbitMQ on this machine: the scripts that start it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    server: PathBuf,
}

impl Installation {
    /// The RabbitMQ that the distribution's package installed.
    #[must_use]
    pub fn find() -> Option<Self> {
        PACKAGED.iter().find_map(|folder| Self::with_script(Path::new(folder).join("bin/rabbitmq-server")))
    }

    /// A RabbitMQ unpacked from the generic archive: the folder that holds `sbin/`. It needs `erl` in `PATH`.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Option<Self> {
        Self::with_script(folder.join("sbin/rabbitmq-server"))
    }

    /// The RabbitMQ of this machine; on Debian and its relatives it is installed when missing. `progress` gets one line per step,
    /// the first one before anything is changed.
    ///
    /// # Errors
    /// [`Error::NotInstalled`] with instructions where there is no apt-get, [`Error::Install`] when apt-get fails.
    pub fn find_or_install(progress: &mut dyn FnMut(&str)) -> Result<Self, Error> {
        if let Some(found) = Self::find() {
            return Ok(found);
        }
        if !packages::can_install() {
            return Err(Error::NotInstalled { instructions: instructions() });
        }
        packages::install(&["rabbitmq-server"], progress)?;
        Self::find().ok_or_else(|| Error::NotInstalled {
            instructions: format!(
                "The package was installed, but {} has no bin/rabbitmq-server.",
                PACKAGED.join(" and ")
            ),
        })
    }

    fn with_script(server: PathBuf) -> Option<Self> {
        server.is_file().then_some(Self { server })
    }

    /// The script that starts the server in the foreground as whoever calls it.
    pub(crate) fn server(&self) -> &Path {
        &self.server
    }
}

/// What to do by hand, by what this machine has.
fn instructions() -> String {
    let package = [
        ("dnf", "sudo dnf install rabbitmq-server"),
        ("apk", "sudo apk add rabbitmq-server"),
        ("pacman", "sudo pacman -S rabbitmq"),
        ("brew", "brew install rabbitmq && brew services start rabbitmq"),
    ]
    .into_iter()
    .find(|(program, _)| packages::in_path(program).is_some())
    .map(|(_, command)| format!("  - install it:            {command}\n"));
    let compose = packages::in_path("docker")
        .map(|_| "  - or run it in Docker:   docker compose -f infra/rabbitmq/compose.yaml up -d --wait\n".to_owned());
    format!(
        "{}{}  - or use any broker:     AMQP_URL=amqp://user:password@host:5672/%2f cargo xtask up",
        package.unwrap_or_default(),
        compose.unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Installation, instructions};

    #[test]
    fn a_folder_without_the_script_is_no_installation() {
        assert_eq!(Installation::in_folder(Path::new("/nowhere")), None);
    }

    #[test]
    fn the_instructions_always_name_a_way_out() {
        assert!(instructions().contains("AMQP_URL=amqp://"));
    }
}

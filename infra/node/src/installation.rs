//! Where RabbitMQ's programs are on this machine.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use machine::packages;

use crate::Error;

/// Where Debian and its relatives, Fedora and Alpine keep the scripts that do not insist on being root or `rabbitmq`.
const PACKAGED: [&str; 2] = ["/usr/lib/rabbitmq", "/usr/lib64/rabbitmq"];

/// One RabbitMQ on this machine: the scripts that start it, and the Erlang that runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    server: PathBuf,
    /// The folder with this RabbitMQ's own `erl`; `None` where the one in `PATH` is right.
    erlang: Option<PathBuf>,
}

impl Installation {
    /// The RabbitMQ that the distribution's package installed.
    #[must_use]
    pub fn find() -> Option<Self> {
        PACKAGED.iter().find_map(|folder| Self::with_script(Path::new(folder).join("bin/rabbitmq-server"), None))
    }

    /// A RabbitMQ unpacked from the generic archive: the folder that holds `sbin/`. It needs `erl` in `PATH`.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Option<Self> {
        Self::with_script(std::path::absolute(folder).ok()?.join("sbin/rabbitmq-server"), None)
    }

    /// The RabbitMQ of this machine; on Debian and its relatives it is installed when missing. `progress` gets one line per step,
    /// the first one before anything is changed.
    ///
    /// # Errors
    /// [`Error::NotInstalled`] with instructions where there is no apt-get, [`Error::Machine`] when apt-get fails.
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

    /// The full version, such as `4.0.5`, where the folder of the programs tells it.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        let script = self.server.canonicalize().ok()?;
        let home = script.parent()?.parent()?.file_name()?.to_str()?;
        home.strip_prefix("rabbitmq_server-").map(str::to_owned)
    }

    /// A script with the Erlang that belongs to it.
    pub(crate) fn with_script(server: PathBuf, erlang: Option<PathBuf>) -> Option<Self> {
        server.is_file().then_some(Self { server, erlang })
    }

    /// The script that starts the server in the foreground as whoever calls it.
    pub(crate) fn server(&self) -> &Path {
        &self.server
    }

    /// The `PATH` in which the script finds its Erlang.
    pub(crate) fn path(&self) -> OsString {
        let inherited = env::var_os("PATH").unwrap_or_default();
        let folders = self.erlang.iter().cloned().chain(env::split_paths(&inherited));
        env::join_paths(folders).unwrap_or(inherited)
    }

    /// Erlang's port mapper.
    pub(crate) fn epmd(&self) -> PathBuf {
        self.erlang.as_ref().map_or_else(|| PathBuf::from("epmd"), |folder| folder.join("epmd"))
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
        "{}{}  - or use any broker:     cargo xtask up --broker amqp://user:password@host:5672/%2f",
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
    fn the_own_erlang_comes_first_in_the_path() {
        let own = Installation { server: "/b/rabbitmq-server".into(), erlang: Some("/b/erlang".into()) };
        assert!(own.path().to_str().unwrap().starts_with("/b/erlang:"));
        assert_eq!(own.epmd(), Path::new("/b/erlang/epmd"));
    }

    #[test]
    fn the_instructions_always_name_a_way_out() {
        assert!(instructions().contains("--broker amqp://"));
    }
}

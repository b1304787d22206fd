//! Who the server runs as: PostgreSQL refuses to be root.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use crate::Error;

/// The users to choose from when root starts a server: the one of Debian's package, or the one who owns nothing.
const ORDINARY: [&str; 2] = ["postgres", "nobody"];

/// The user of the server's processes and files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    /// Whoever started this program.
    Own,
    /// Another one, whom root may become.
    Other { user: u32, group: u32 },
}

impl Account {
    /// The own account, or for root an ordinary one.
    pub(crate) fn choose() -> Result<Self, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Own);
        }
        let file = Path::new("/etc/passwd");
        let users = fs::read_to_string(file).map_err(Error::io("read", file))?;
        ORDINARY.iter().find_map(|name| look_up(&users, name)).ok_or(Error::NoAccount)
    }

    /// A command that runs as this user, with nothing of the caller's environment but `PATH`.
    pub(crate) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        // The caller's PG* variables are meant for another server.
        command.env_clear().envs(std::env::vars_os().filter(|(key, _)| key == "PATH"));
        command.env("LC_ALL", "C.UTF-8");
        if let Self::Other { user, group } = self {
            command.uid(user).gid(group);
        }
        command
    }

    /// Gives a file or a folder to this user.
    pub(crate) fn own(self, path: &Path) -> Result<(), Error> {
        match self {
            Self::Own => Ok(()),
            Self::Other { user, group } => {
                chown(path, Some(user), Some(group)).map_err(Error::io("hand over to the server's user", path))
            }
        }
    }
}

fn look_up(users: &str, name: &str) -> Option<Account> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut numbers = line.split(':').skip(2).map(str::parse);
    Some(Account::Other { user: numbers.next()?.ok()?, group: numbers.next()?.ok()? })
}

#[cfg(test)]
mod tests {
    use super::{Account, look_up};

    #[test]
    fn a_user_is_found_by_the_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/bash\npostgres2:x:7:7::/:/bin/sh\npostgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(look_up(users, "postgres"), Some(Account::Other { user: 101, group: 104 }));
        assert_eq!(look_up(users, "nobody"), None);
    }
}

//! The directory of one server: everything that it reads and writes.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use machine::last_lines;

use crate::Error;
use crate::account::Account;

/// Where a server's folder is made when its user cannot reach the wanted one.
const ELSEWHERE: &str = "garenne-postgres";

/// What lies where in a server's directory.
#[derive(Debug, Clone)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// Makes the directory, which may exist, for this user. Where the user may not enter a folder above it, such as root's home, the
    /// directory is made below the system's temporary folder instead, under a name that follows from the wanted path.
    pub(crate) fn create(wanted: &Path, account: Account) -> Result<Self, Error> {
        let wanted = std::path::absolute(wanted).map_err(Error::io("resolve", wanted))?;
        let parent = wanted.parent().unwrap_or(&wanted);
        fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        let root = if account == Account::Own || anybody_enters(parent) { wanted } else { elsewhere(&wanted)? };
        match DirBuilder::new().mode(0o700).create(&root) {
            Err(error) if !root.is_dir() => return Err(Error::io("create", &root)(error)),
            _ => {}
        }
        account.own(&root)?;
        fs::set_permissions(&root, Permissions::from_mode(0o700))
            .map_err(Error::io("set the permissions of", &root))?;
        Ok(Self { root })
    }

    /// The directory itself, absolute.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Databases and write-ahead log: what a restart must find again.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// What the server says.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.root.join("postgres.log")
    }

    pub(crate) fn password_file(&self) -> PathBuf {
        self.root.join("password")
    }

    /// Whether an earlier server has left databases.
    pub(crate) fn has_data(&self) -> bool {
        self.data().join("PG_VERSION").is_file()
    }

    /// Removes what an earlier server has stored.
    pub(crate) fn clear_data(&self) -> Result<(), Error> {
        let data = self.data();
        if data.exists() { fs::remove_dir_all(&data).map_err(Error::io("remove", &data)) } else { Ok(()) }
    }

    /// The end of the log, for an error message.
    pub(crate) fn log_tail(&self) -> String {
        last_lines(&String::from_utf8_lossy(&fs::read(self.log()).unwrap_or_default()), 15)
    }
}

fn anybody_enters(folder: &Path) -> bool {
    folder.ancestors().all(|folder| fs::metadata(folder).is_ok_and(|found| found.mode() & 0o001 != 0))
}

/// A folder of root's own below the temporary one, in which nobody else could have laid a trap.
fn elsewhere(wanted: &Path) -> Result<PathBuf, Error> {
    let base = std::env::temp_dir().join(ELSEWHERE);
    let _ = DirBuilder::new().mode(0o755).create(&base);
    let found = fs::symlink_metadata(&base).map_err(Error::io("create", &base))?;
    if !found.is_dir() || found.uid() != rustix::process::geteuid().as_raw() {
        return Err(Error::Foreign { path: base });
    }
    Ok(base.join(wanted.to_string_lossy().trim_matches('/').replace('/', "-")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::anybody_enters;

    #[test]
    fn a_folder_is_open_to_all_only_when_all_above_it_are() {
        assert!(anybody_enters(Path::new("/usr/bin")));
        assert!(!anybody_enters(Path::new("/nowhere/at/all")));
    }
}

//! Where PostgreSQL's programs are on this machine.

use std::fs;
use std::path::{Path, PathBuf};

use machine::packages;

use crate::Error;

/// Below it Debian keeps a folder for each major version. The programs there do not insist on Debian's own clusters.
const PACKAGED: &str = "/usr/lib/postgresql";

/// What a server cannot do without.
const NEEDED: [&str; 4] = ["initdb", "postgres", "pg_isready", "createdb"];

/// One PostgreSQL on this machine: the folder of its programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    programs: PathBuf,
}

impl Installation {
    /// The newest PostgreSQL of the distribution's packages, or the one in `PATH`.
    #[must_use]
    pub fn find() -> Option<Self> {
        Self::newest_below(Path::new(PACKAGED)).or_else(|| {
            let folder = packages::in_path("initdb")?.parent()?.to_owned();
            Self::in_folder(folder)
        })
    }

    /// The PostgreSQL of this machine; on Debian and its relatives it is installed when missing, without a cluster of the system's own.
    /// `progress` gets one line per step, the first one before anything is changed.
    ///
    /// # Errors
    /// [`Error::NotInstalled`] where there is no apt-get, [`Error::Machine`] when apt-get fails.
    pub fn find_or_install(progress: &mut dyn FnMut(&str)) -> Result<Self, Error> {
        if let Some(found) = Self::find() {
            return Ok(found);
        }
        if !packages::can_install() {
            return Err(Error::NotInstalled { advice: "install it with the system's package manager" });
        }
        packages::install(&["postgresql"], progress)?;
        Self::find()
            .ok_or(Error::NotInstalled { advice: "the package `postgresql` was installed, but brought no server" })
    }

    fn newest_below(folder: &Path) -> Option<Self> {
        let versions = fs::read_dir(folder).ok()?.filter_map(Result::ok);
        let mut versions: Vec<(u32, PathBuf)> = versions
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
            .collect();
        versions.sort();
        versions.into_iter().rev().find_map(|(_, programs)| Self::in_folder(programs))
    }

    fn in_folder(programs: PathBuf) -> Option<Self> {
        NEEDED.iter().all(|name| programs.join(name).is_file()).then_some(Self { programs })
    }

    /// The path of one program.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Installation, NEEDED};

    #[test]
    fn the_newest_version_that_is_whole_is_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        for (version, programs) in [("9", &NEEDED[..]), ("15", &NEEDED[..]), ("17", &NEEDED[..1])] {
            fs::create_dir_all(folder.join(version).join("bin")).expect("a folder");
            for program in programs {
                fs::write(folder.join(version).join("bin").join(program), "").expect("a file");
            }
        }
        let found = Installation::newest_below(folder).expect("an installation");
        assert_eq!(found.program("initdb"), folder.join("15/bin/initdb"));
        assert_eq!(Installation::newest_below(Path::new("/nowhere")), None);
    }
}

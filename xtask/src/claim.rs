//! Folders below `target/` that belong to one run of xtask at a time.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// How many runs may stand side by side.
const MOST: usize = 9;

/// A folder that no other run uses while this value lives. The system gives it back when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    _lock: File,
}

impl Claim {
    /// Takes the first of `base/1`, `base/2`, … that is free.
    pub(crate) fn take(base: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(base).map_err(Failure::because(format!("cannot create {}", base.display())))?;
        for number in 1..=MOST {
            let lock = base.join(format!("{number}.lock"));
            let file = File::create(&lock).map_err(Failure::because(format!("cannot create {}", lock.display())))?;
            match file.try_lock() {
                Ok(()) => return Ok(Self { path: base.join(number.to_string()), _lock: file }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(Failure::new(format!("cannot lock {}: {error}", lock.display())));
                }
            }
        }
        Err(Failure::new(format!("{MOST} runs are using {} already; stop one of them", base.display())))
    }

    /// The folder. It may not exist yet.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::Claim;

    #[test]
    fn two_runs_get_two_folders_and_a_folder_comes_back() {
        let base = tempfile::tempdir().unwrap();
        let first = Claim::take(base.path()).unwrap();
        let second = Claim::take(base.path()).unwrap();
        assert_eq!((first.path(), second.path()), (&*base.path().join("1"), &*base.path().join("2")));
        drop(first);
        assert_eq!(Claim::take(base.path()).unwrap().path(), base.path().join("1"));
    }
}

//! Whose turn it is to publish from a SQLite file that several processes share.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::sleep;

/// How often a turn that somebody else has is asked for.
const ASK: Duration = Duration::from_millis(10);

/// A lock on a file beside the database. The system takes it back when its process ends, however it ends.
#[derive(Debug)]
pub(super) struct Turns {
    file: File,
}

/// The turn, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a>(&'a File);

impl Turns {
    /// Opens `<database>-relay`.
    pub(super) fn beside(database: &Path) -> io::Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push("-relay");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(PathBuf::from(path))?;
        Ok(Self { file })
    }

    /// Waits for the turn.
    pub(super) async fn take(&self) -> io::Result<Turn<'_>> {
        loop {
            match self.file.try_lock() {
                Ok(()) => return Ok(Turn(&self.file)),
                Err(TryLockError::WouldBlock) => sleep(ASK).await,
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

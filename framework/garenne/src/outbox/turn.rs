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
    path: PathBuf,
}

/// The turn, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a>(&'a File);

impl Turns {
    /// Opens `<database>-relay`.
    pub(super) fn beside(database: &Path) -> io::Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push("-relay");
        let path = PathBuf::from(path);
        let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = opened.map_err(|error| {
            let text = format!("{}: {error}; let this user write beside the database", path.display());
            io::Error::new(error.kind(), text)
        })?;
        Ok(Self { file, path })
    }

    /// Waits for the turn.
    pub(super) async fn take(&self) -> io::Result<Turn<'_>> {
        loop {
            match self.file.try_lock() {
                Ok(()) => return Ok(Turn(&self.file)),
                Err(TryLockError::WouldBlock) => sleep(ASK).await,
                Err(TryLockError::Error(error)) => {
                    let text = format!("{}: {error}; put the database on a disk that has locks", self.path.display());
                    return Err(io::Error::new(error.kind(), text));
                }
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_takes_no_file_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("missing/orders.db");
        let text = Turns::beside(&database).unwrap_err().to_string();
        assert!(text.contains("missing/orders.db-relay") && text.contains("write beside the database"), "{text}");
    }

    #[tokio::test]
    async fn one_of_two_has_the_turn_until_it_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("orders.db");
        let (one, other) = (Turns::beside(&database).unwrap(), Turns::beside(&database).unwrap());
        let turn = one.take().await.unwrap();
        assert!(tokio::time::timeout(ASK * 5, other.take()).await.is_err());
        drop(turn);
        let _turn = other.take().await.unwrap();
    }
}

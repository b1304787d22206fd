//! What can go wrong with a private server, in words that say what to do.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a server could not be installed, started, asked or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no PostgreSQL here, and no package manager that this crate drives.
    #[error(
        "no PostgreSQL on this machine: neither below /usr/lib/postgresql nor `initdb` and `postgres` in PATH; {advice}"
    )]
    NotInstalled {
        /// What to do instead.
        advice: &'static str,
    },
    /// The package could not be installed, or no port is free.
    #[error(transparent)]
    Machine(#[from] machine::Error),
    /// Root has nobody to run the server as.
    #[error(
        "PostgreSQL refuses to run as root, and /etc/passwd has neither `postgres` nor `nobody`: run this as an ordinary user"
    )]
    NoAccount,
    /// A folder that somebody else could have made is in the way.
    #[error("{} belongs to somebody else: remove it", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// A file or a process could not be handled.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or program.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// One of PostgreSQL's programs failed.
    #[error("`{program}` ended with {status}:\n{output}")]
    Program {
        /// Its name.
        program: &'static str,
        /// How it ended.
        status: String,
        /// The end of what it printed.
        output: String,
    },
    /// The server ended before it was ready.
    #[error("PostgreSQL ended with {status} before it was ready; its log is {}\n{tail}", log.display())]
    Exited {
        /// How the process ended.
        status: String,
        /// The log.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// The server did not become ready in time.
    #[error("PostgreSQL was not ready after {deadline:?}; its log is {}\n{tail}", log.display())]
    NotReady {
        /// How long it was given.
        deadline: Duration,
        /// The log.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// Processes did not go away, even after SIGKILL.
    #[error("PostgreSQL in {} is still there {deadline:?} after SIGKILL: the system cannot end it, perhaps for a disk that hangs", data.display())]
    NotStopped {
        /// The data folder of the server.
        data: PathBuf,
        /// How long it was given.
        deadline: Duration,
    },
}

impl Error {
    /// For `map_err` on file and process operations.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

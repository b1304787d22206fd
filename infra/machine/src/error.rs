//! What a machine may lack, in words that say what to do.

use std::io;
use std::path::PathBuf;

/// Why a package could not be installed, or no port was found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The package manager did not do what it was asked for.
    #[error("`{command}` failed:\n{output}")]
    Install {
        /// The command as it was run.
        command: String,
        /// The end of what it printed.
        output: String,
    },
    /// The package manager could not be run.
    #[error("cannot run {}: {source}", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// No free port was found.
    #[error("no free TCP port on 127.0.0.1 between {first} and {last}: end what holds them (`ss -ltnp`)")]
    NoFreePort {
        /// The first port that was tried.
        first: u16,
        /// The last port that was tried.
        last: u16,
    },
}

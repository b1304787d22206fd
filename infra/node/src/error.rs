//! What can go wrong with a private node, in words that say what to do.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a node could not be installed, started, asked or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such RabbitMQ here, and no package manager that this crate drives.
    #[error("there is no such RabbitMQ on this machine, and it cannot be had automatically.\n{instructions}")]
    NotInstalled {
        /// What is missing, or what to run instead on this machine.
        instructions: String,
    },
    /// A broker that somebody else runs was to be started or stopped.
    #[error("{broker} is somebody else's: a node of our own is needed here; name a release instead, such as 4.0")]
    NotOurs {
        /// Its address, without the password.
        broker: String,
    },
    /// A package could not be installed or unpacked, or no port is free.
    #[error(transparent)]
    Machine(#[from] machine::Error),
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
    /// A certificate could not be made.
    #[error("no certificate could be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A release cannot behave like that.
    #[error("RabbitMQ {version} cannot have the profile {profile}: take a newer one, such as `--broker 4.0`")]
    Profile {
        /// The profile.
        profile: String,
        /// The full version.
        version: String,
    },
    /// The node ended before it was ready.
    #[error("RabbitMQ ended with {status} before it was ready; its log is in {}\n{tail}", log.display())]
    Exited {
        /// How the process ended.
        status: String,
        /// The directory with the logs.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// The node did not become ready in time.
    #[error("RabbitMQ was not ready after {deadline:?}: {reason}; its log is in {}\n{tail}", log.display())]
    NotReady {
        /// How long it was given.
        deadline: Duration,
        /// What was still missing.
        reason: String,
        /// The directory with the logs.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// The process did not go away, even after SIGKILL.
    #[error(
        "RabbitMQ (pid {pid}) is still there {deadline:?} after SIGKILL: the system cannot end it, perhaps for a disk that hangs"
    )]
    NotStopped {
        /// Its process id.
        pid: u32,
        /// How long it was given.
        deadline: Duration,
    },
    /// The port mapper of a cluster does not accept.
    #[error("{} does not accept on port {port} of 127.0.0.1: is Erlang installed, and its epmd in PATH?", program.display())]
    NoMapper {
        /// Erlang's epmd.
        program: PathBuf,
        /// The port it was given.
        port: u16,
    },
    /// The nodes did not become one cluster in time.
    #[error(
        "after {deadline:?} the nodes see {seen:?} running nodes where {wanted} run: their logs tell why, or the machine is too slow for the deadline"
    )]
    NotTogether {
        /// How long they were given.
        deadline: Duration,
        /// How many nodes run.
        wanted: usize,
        /// How many of them each one sees.
        seen: Vec<usize>,
    },
    /// A queue has no leader on a node that runs.
    #[error(
        "no running node leads the queue {queue}; the broker tells `{told}`. Ask again: it is electing, unless most of its nodes are down"
    )]
    NoLeader {
        /// The queue.
        queue: String,
        /// What the broker says of its leader.
        told: String,
    },
    /// A node could not be told something in Erlang's own way.
    #[error("{node} was not told to {function}: {output}")]
    NotTold {
        /// Its full name.
        node: String,
        /// The function that was called on it.
        function: &'static str,
        /// What came back.
        output: String,
    },
    /// The management API was not reached, or answered with an error.
    #[error("{method} {url}: {reason}")]
    Management {
        /// The HTTP method.
        method: &'static str,
        /// The address that was asked.
        url: String,
        /// The answer's status, where there was an answer.
        status: Option<u16>,
        /// The status and body, or the transport's reason.
        reason: String,
    },
    /// A definitions file is not what RabbitMQ exports and imports.
    #[error("{} is no definitions file: {reason}", path.display())]
    Definitions {
        /// The file.
        path: PathBuf,
        /// What was wrong with it.
        reason: String,
    },
    /// The broker does not have everything its definitions file names.
    #[error("the broker lacks what {} names: {}", path.display(), missing.join(", "))]
    Incomplete {
        /// The definitions file.
        path: PathBuf,
        /// Kind and name of every object that is missing.
        missing: Vec<String>,
    },
}

impl Error {
    /// For `map_err` on file and process operations.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

//! Why a service could not start or go on.

use crate::broker::BrokerError;
use crate::topology::Fault;

use super::SettingsFault;

/// Why a service ended other than by being asked to. Each has an exit code of `sysexits.h`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The wiring has mistakes. All of them are listed.
    #[error("the service is wired wrongly:\n{}", listed(.0))]
    Wiring(Vec<Fault>),
    /// The environment has mistakes. All of them are listed.
    #[error("the environment is wrong:\n{}", listed(.0))]
    Settings(Vec<SettingsFault>),
    /// The state could not be made: a database that does not open, a port that is taken.
    #[error("the service could not be prepared: {0}")]
    State(String),
    /// The broker refuses, and trying again cannot help.
    #[error("{0}")]
    Broker(#[from] BrokerError),
    /// The admin endpoint's address is taken or not ours.
    #[error("ADMIN_ADDR {address}: {reason}; give another address, or port 0 for any free one")]
    Admin {
        /// The address.
        address: std::net::SocketAddr,
        /// In the operating system's words.
        reason: std::io::Error,
    },
    /// The operating system refuses.
    #[error("the operating system refuses {what}: {reason}")]
    System {
        /// What was asked of it.
        what: &'static str,
        /// In its words.
        reason: std::io::Error,
    },
    /// A background task failed.
    #[error("the background task {name} failed: {reason}")]
    Background {
        /// The task.
        name: &'static str,
        /// In its own words.
        reason: String,
    },
}

impl StartError {
    /// 77 when a right or a password is missing, 78 when something is configured wrongly, 69 when something outside
    /// is missing, 71 when the operating system refuses, 70 when the service itself failed.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Broker(BrokerError::Credentials { .. } | BrokerError::Right { .. }) => 77,
            Self::Wiring(_) | Self::Settings(_) | Self::Admin { .. } => 78,
            Self::Broker(BrokerError::Vhost { .. } | BrokerError::Drift(_)) => 78,
            Self::Broker(_) | Self::State(_) => 69,
            Self::System { .. } => 71,
            Self::Background { .. } => 70,
        }
    }
}

fn listed<T: std::fmt::Display>(faults: &[T]) -> String {
    faults.iter().map(|fault| format!("  {fault}")).collect::<Vec<_>>().join("\n")
}

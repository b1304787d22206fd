//! Why a request got no reply.

use std::time::Duration;

use serde_json::Value;

use super::Problem;
use crate::broker::PublishError;

/// Why `ask` has no reply, or why the replies of `ask_many` end early. `E` is the error that the request's contract names.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError<E> {
    /// The responder refused, for a reason that the contract names.
    #[error("{0}")]
    Remote(E),
    /// The responder failed, or refused in a form that the contract does not name.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// No queue takes this request: its responder was never started, or its queue is gone.
    #[error("nobody answers {request}: no queue is bound for it. Start the service that owns it")]
    NobodyThere {
        /// The request's name.
        request: &'static str,
    },
    /// No reply by the deadline. The responder may have done the work or not. Nothing was sent when there was no time for it:
    /// within the handler of a request, there is no more than that request has left.
    #[error("{request} was not answered within {} ms", waited.as_millis())]
    Timeout {
        /// The request's name.
        request: &'static str,
        /// How long was waited.
        waited: Duration,
    },
    /// The connection on which the reply would have come was lost, or was not there by the deadline. The responder may
    /// have done the work or not.
    #[error("the connection for the reply to {request} is lost")]
    Disconnected {
        /// The request's name.
        request: &'static str,
    },
    /// The responder ended in the middle of its replies, or some of them were lost. Another replica that begins again is not
    /// listened to: what it says may differ.
    #[error("the replies to {request} broke off after {received}; ask again")]
    Interrupted {
        /// The request's name.
        request: &'static str,
        /// How many had come.
        received: u64,
    },
    /// Replies came faster than they were read.
    #[error(
        "{limit} replies to {request}, or 64 MiB of them, wait to be read; read them faster, or ask for less at a time"
    )]
    Overrun {
        /// The request's name.
        request: &'static str,
        /// How many may wait.
        limit: usize,
    },
    /// So many calls of this process wait for replies already.
    #[error("{limit} requests of this process wait for replies already; {request} was not sent")]
    TooManyCalls {
        /// The request's name.
        request: &'static str,
        /// How many may wait.
        limit: usize,
    },
    /// The reply is not what the contract says.
    #[error("the reply to {request} cannot be read: {reason}")]
    Undecodable {
        /// The request's name.
        request: &'static str,
        /// Why.
        reason: String,
        /// What came: JSON, or else text.
        reply: Value,
    },
    /// The request could not be published.
    #[error("{0}")]
    Publish(PublishError),
}

impl<E> AskError<E> {
    /// What kind of error it is, in one word.
    pub(super) fn class(&self) -> &str {
        match self {
            Self::Remote(_) => "refused",
            Self::Problem(problem) => problem.kind.rsplit(':').next().unwrap_or_default(),
            Self::NobodyThere { .. } => "nobody-there",
            Self::Timeout { .. } => "timeout",
            Self::Disconnected { .. } => "disconnected",
            Self::Interrupted { .. } => "interrupted",
            Self::Overrun { .. } => "overrun",
            Self::TooManyCalls { .. } => "too-many-calls",
            Self::Undecodable { .. } => "undecodable",
            Self::Publish(error) => error.class(),
        }
    }
}

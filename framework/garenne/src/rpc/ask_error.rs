//! Why a request got no reply.

use std::time::Duration;

use super::Problem;
use crate::broker::PublishError;

/// Why `ask` has no reply. `E` is the error that the request's contract names.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError<E> {
    /// The responder refused, for a reason that the contract names.
    #[error("{0}")]
    Remote(E),
    /// The responder failed, or refused in a form that the contract does not name.
    #[error("{0}")]
    Problem(Problem),
    /// No queue takes this request: its responder was never started, or its queue is gone.
    #[error("nobody answers {request}: no queue is bound for it. Start the service that owns it")]
    NobodyThere {
        /// The request's name.
        request: &'static str,
    },
    /// No reply by the deadline. The responder may have done the work or not.
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
    },
    /// The request could not be published.
    #[error("{0}")]
    Publish(PublishError),
}

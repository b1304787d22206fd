//! Why a message was not published.

use std::time::Duration;

/// Why `publish` cannot say that the broker has the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// A queue that the message is routed to is full, or the broker failed inside. Other queues may have stored it.
    #[error(
        "the broker rejected {message}: a queue it is routed to is full, or failed. Drain that queue, then publish again"
    )]
    Rejected {
        /// The message's name.
        message: String,
    },
    /// The broker is short of memory or disk and takes nothing. Whether it takes the message later is unknown.
    #[error(
        "the broker takes no messages ({reason}); {message} was not confirmed within {} ms. Free what it is short of, and publish again",
        waited.as_millis()
    )]
    Blocked {
        /// The message's name.
        message: String,
        /// In the broker's words.
        reason: String,
        /// How long was waited.
        waited: Duration,
    },
    /// No confirm came in time. The broker may have the message or not.
    #[error(
        "{message} was not confirmed within {} ms; the broker may have it or not. Publish again what may come twice, or raise PUBLISH_TIMEOUT_MS",
        waited.as_millis()
    )]
    Timeout {
        /// The message's name.
        message: String,
        /// How long was waited.
        waited: Duration,
    },
    /// There was no connection in time. If it broke after the message was sent, the broker may have it.
    #[error(
        "no connection to the broker for {message} within {} ms ({reason}). Publish again when the service is ready",
        waited.as_millis()
    )]
    Disconnected {
        /// The message's name.
        message: String,
        /// Why there is none.
        reason: String,
        /// How long was waited.
        waited: Duration,
    },
    /// As much as is allowed waits for its confirms already. This message was not sent.
    #[error(
        "{message} was not sent: for {} ms all room for messages in flight was taken ({messages} messages or {bytes} bytes; {reason}). Publish it later, or raise PUBLISH_IN_FLIGHT or PUBLISH_IN_FLIGHT_BYTES",
        waited.as_millis()
    )]
    NoRoom {
        /// The message's name.
        message: String,
        /// Why the confirms do not come.
        reason: String,
        /// So many messages may wait for their confirms.
        messages: usize,
        /// So many bytes may wait for their confirms.
        bytes: u32,
        /// How long was waited.
        waited: Duration,
    },
    /// The exchange does not exist: its owner has never been started, or somebody deleted it.
    #[error(
        "{message} goes to exchange {exchange:?}, which does not exist: start its owner, or import the definitions that `<service> definitions` prints"
    )]
    NoExchange {
        /// The message's name.
        message: String,
        /// The exchange.
        exchange: String,
    },
    /// No queue takes this command, or this event for NestJS: whoever takes it was never started, or its queue is gone.
    #[error("nobody takes {message}: there is no queue for it. Start the service that takes it")]
    NobodyThere {
        /// The message's name.
        message: String,
    },
    /// The broker closed the channel over this message, for want of a right for example.
    #[error(
        "the broker refuses {message}: {reason}. If a right is missing, import the definitions that `<service> definitions` prints"
    )]
    Refused {
        /// The message's name.
        message: String,
        /// In the broker's words.
        reason: String,
    },
    /// The body is larger than any broker since 4.0 takes.
    #[error(
        "the body of {message} has {bytes} bytes; at most {limit} fit. Put the content elsewhere and publish where it is"
    )]
    TooLarge {
        /// The message's name.
        message: String,
        /// Its size.
        bytes: usize,
        /// The most that is allowed.
        limit: usize,
    },
    /// The message cannot be written as JSON, or a name is too long for the wire.
    #[error("{message} cannot be encoded: {reason}")]
    Encoding {
        /// The message's name.
        message: String,
        /// Why.
        reason: String,
    },
    /// The service does not say that it publishes or asks this, so it has no right to and nobody can see that it does.
    #[error("{service} does not declare {message}: add .{method}::<…>() to its service()")]
    Undeclared {
        /// The message's name.
        message: &'static str,
        /// The service.
        service: String,
        /// `publishes` or `asks`.
        method: &'static str,
    },
    /// The service asks a NestJS server this, and such a server takes neither commands nor requests with several replies.
    #[error(
        "{message} goes to NestJS (.asks_nest), and there it is asked with `ask` alone: NestTarget::every_value makes a list of several replies, and what nobody waits for is an event (.publishes_to_nest)"
    )]
    OnlyAsked {
        /// The message's name.
        message: &'static str,
    },
    /// The transaction in which it would be published has ended, or came to nothing since the message was handled before.
    #[error(
        "{message} came after the transaction of its handler had ended, and is not published: await publish before the handler returns"
    )]
    TooLate {
        /// The message's name.
        message: String,
    },
    /// The service has drained.
    #[error("{message} came after the service had stopped publishing")]
    Stopped {
        /// The message's name.
        message: String,
    },
}

impl PublishError {
    /// What kind of error it is, in one word.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Rejected { .. } => "rejected",
            Self::Blocked { .. } => "blocked",
            Self::Timeout { .. } => "timeout",
            Self::Disconnected { .. } => "disconnected",
            Self::NoRoom { .. } => "no-room",
            Self::NoExchange { .. } => "no-exchange",
            Self::NobodyThere { .. } => "nobody-there",
            Self::Refused { .. } => "refused",
            Self::TooLarge { .. } => "too-large",
            Self::Encoding { .. } => "encoding",
            Self::Undeclared { .. } => "undeclared",
            Self::OnlyAsked { .. } => "only-asked",
            Self::TooLate { .. } => "too-late",
            Self::Stopped { .. } => "stopped",
        }
    }

    /// Whether it says only that the broker could not be asked, or did not answer in time.
    pub(crate) fn is_the_brokers_absence(&self) -> bool {
        match self {
            Self::Blocked { .. }
            | Self::Timeout { .. }
            | Self::Disconnected { .. }
            | Self::NoRoom { .. }
            | Self::Stopped { .. } => true,
            Self::Rejected { .. }
            | Self::NoExchange { .. }
            | Self::NobodyThere { .. }
            | Self::Refused { .. }
            | Self::TooLarge { .. }
            | Self::Encoding { .. }
            | Self::Undeclared { .. }
            | Self::OnlyAsked { .. }
            | Self::TooLate { .. } => false,
        }
    }
}

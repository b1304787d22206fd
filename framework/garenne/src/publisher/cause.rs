//! Why a message is published: what it belongs to.

use uuid::Uuid;

use crate::telemetry::Trace;

/// The conversation, the message that made this one necessary, and the trace. They follow by themselves.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub(crate) conversation: String,
    pub(crate) causation_id: Option<String>,
    pub(crate) trace: Trace,
}

impl Cause {
    /// The start of a new conversation.
    pub(crate) fn new_conversation() -> Self {
        Self::begins(Uuid::now_v7().to_string())
    }

    /// The start of the conversation of this name, in the trace that is under way.
    pub(crate) fn begins(conversation: String) -> Self {
        Self { conversation, causation_id: None, trace: Trace::here() }
    }
}

//! Why a message is published: what it belongs to.

use std::sync::Arc;

use uuid::Uuid;

use crate::telemetry::Trace;

/// The conversation, the message that made this one necessary, and the trace. They follow by themselves.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub(crate) conversation: Arc<str>,
    pub(crate) causation_id: Option<Arc<str>>,
    pub(crate) trace: Trace,
}

impl Cause {
    /// The start of a new conversation.
    pub(crate) fn new_conversation() -> Self {
        Self::begins(new_id())
    }

    /// The start of the conversation of this name, in the trace that is under way.
    pub(crate) fn begins(conversation: Arc<str>) -> Self {
        Self { conversation, causation_id: None, trace: Trace::here() }
    }
}

/// A name that nothing else has.
pub(crate) fn new_id() -> Arc<str> {
    let mut text = Uuid::encode_buffer();
    Arc::from(&*Uuid::now_v7().hyphenated().encode_lower(&mut text))
}

//! What a successful publish gives.

/// The broker has the message, and has it on disk when it went to a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    routed: bool,
}

impl Receipt {
    pub(crate) fn new(routed: bool) -> Self {
        Self { routed }
    }

    /// Whether any queue took the message. An event that nobody subscribes to is confirmed and gone.
    #[must_use]
    pub fn routed(self) -> bool {
        self.routed
    }
}

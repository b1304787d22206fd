//! What a successful publish gives.

/// The broker has the message, and has it on disk when it went to a queue; or a transaction has it, and the broker will.
///
/// ```
/// # use garenne::{Client, Event, PublishError};
/// async fn tell<S, E: Event>(client: &Client<S>, event: &E) -> Result<(), PublishError> {
///     let receipt = client.publish(event).await?;
///     if receipt.routed() == Some(false) {
///         println!("nobody listens yet");
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    routed: Option<bool>,
}

impl Receipt {
    pub(crate) fn new(routed: Option<bool>) -> Self {
        Self { routed }
    }

    /// Whether any queue took the message: an event that nobody subscribes to is confirmed and gone. `None` while that is
    /// not known, because the message waits for the transaction in which it was published.
    #[must_use]
    pub fn routed(self) -> Option<bool> {
        self.routed
    }
}

//! What a successful publish gives.

/// The broker has the message, and has it on disk when it went to a queue.
///
/// ```
/// # use garenne::{Client, Event, PublishError};
/// async fn tell<S, E: Event>(client: &Client<S>, event: &E) -> Result<(), PublishError> {
///     let receipt = client.publish(event).await?;
///     if !receipt.routed() {
///         println!("nobody listens yet");
///     }
///     Ok(())
/// }
/// ```
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

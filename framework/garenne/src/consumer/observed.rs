//! An event of the live feed.

use std::time::SystemTime;

use serde_json::Value;

use super::message::sent_at;
use crate::broker::Inbound;
use crate::publisher::header;

/// An event as the live feed shows it: any event of an observed owner, also one that nobody has a type for.
///
/// ```
/// use garenne::{Context, Observed, Service};
///
/// struct Screen;
///
/// async fn show(event: Observed, _ctx: Context<Screen>) {
///     println!("{} said {}: {}", event.service.unwrap_or_default(), event.name, event.body);
/// }
///
/// let service = Service::new("screen").observe(["orders", "payments"], show);
/// assert!(service.faults().is_empty());
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Observed {
    /// The event's name, `orders.order-placed`.
    pub name: String,
    /// The sender's id of the message.
    pub message_id: Option<String>,
    /// Names the whole conversation.
    pub correlation_id: Option<String>,
    /// The message that made this one necessary.
    pub causation_id: Option<String>,
    /// The service that published it.
    pub service: Option<String>,
    /// When it was published.
    pub sent_at: Option<SystemTime>,
    /// The body. `null` when it is no JSON.
    pub body: Value,
}

/// Of a delivery that was [read plainly](super::read_plainly).
impl From<Inbound> for Observed {
    fn from(inbound: Inbound) -> Self {
        let properties = &inbound.properties;
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            sent_at: sent_at(&inbound),
            causation_id: owned(properties.text(header::CAUSATION_ID)),
            service: owned(properties.app_id()),
            message_id: owned(properties.message_id()),
            correlation_id: owned(properties.correlation_id()),
            // The exchange checks the routing key against its owner's rights, so it is not forged; a type may be.
            name: inbound.routing_key,
            body: serde_json::from_slice(&inbound.body).unwrap_or_default(),
        }
    }
}

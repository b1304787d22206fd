//! Whether a message that arrived holds what a [`Screen`](super::screen::Screen) has put into it.

use super::Inbound;
use super::screen::SUBSTITUTE;

/// Names a short string of the sender that holds the substitute. It could be another one than the sender's: two ids that differ
/// may look alike now, and the second would be taken for the first.
pub(crate) fn substituted(inbound: &Inbound) -> Option<&'static str> {
    let is = |text: &str| text.contains(SUBSTITUTE);
    let text = inbound.properties.texts().into_iter().find(|(_, text)| text.is_some_and(is));
    if let Some((name, _)) = text {
        Some(name)
    } else if is(&inbound.routing_key) {
        Some("the routing key")
    } else if inbound.properties.any_name(&is) {
        Some("the name of a header")
    } else {
        None
    }
}

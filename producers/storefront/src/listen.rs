//! Takes in everything that the services of the shop say.

use std::time::{Duration, SystemTime};

use garenne::{Context, Observed};

use crate::app::Storefront;
use crate::memory::Said;

/// Everybody who speaks in the shop.
pub(crate) const SPEAKERS: [&str; 6] = ["storefront", "orders", "inventory", "payments", "shipping", "notifications"];

pub(crate) async fn listen(event: Observed, ctx: Context<Storefront>) {
    let sent_at = event.sent_at.unwrap_or_else(SystemTime::now);
    ctx.state().live.hear(Said {
        name: event.name,
        message_id: event.message_id,
        correlation_id: event.correlation_id,
        sent_at: milliseconds(sent_at),
        body: event.body,
    });
}

fn milliseconds(time: SystemTime) -> u64 {
    let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

//! What the devices of the warehouse say, over MQTT.

use garenne_contract::Event;
use serde::{Deserialize, Serialize};

use crate::values::{CountId, Moment, Sku, Units};

/// Somebody counted with a scanner what is on the shelf of one article. What lies aside for orders is not among it.
///
/// Devices send no message id, and may send the same again: a count is known by its scanner and its own id. Counts of one
/// article take effect in the order of their times, whenever they arrive.
#[derive(Debug, Clone, PartialEq, Eq, Event, Serialize, Deserialize)]
#[event(name = "warehouse.stock-counted", key = sku)]
pub struct StockCounted {
    /// Names the count among those of its scanner.
    pub count_id: CountId,
    /// The article.
    pub sku: Sku,
    /// How many there are.
    pub units: Units,
    /// When they were counted, by the scanner's clock.
    pub counted_at: Moment,
}

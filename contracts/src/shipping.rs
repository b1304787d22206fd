//! What `shipping` says.

use garenne_contract::Event;
use serde::{Deserialize, Serialize};

use crate::values::{Customer, OrderId};

/// A parcel was handed to the carrier.
#[derive(Debug, Clone, PartialEq, Eq, Event, Serialize, Deserialize)]
#[event(name = "shipping.shipment-dispatched", key = order_id)]
pub struct ShipmentDispatched {
    /// The order.
    pub order_id: OrderId,
    /// To whom it goes.
    pub customer: Customer,
    /// Where the carrier says the parcel is.
    pub tracking_code: String,
}

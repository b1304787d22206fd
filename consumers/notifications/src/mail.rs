//! What the mails say.

use std::fmt;

use contracts::orders::{OrderCancelled, OrderConfirmed};
use contracts::shipping::ShipmentDispatched;
use contracts::values::{Customer, OrderId};
use lettre::Message;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use serde::Serialize;

/// Whom the mail is from. `.example` is a domain that nobody can own.
const SENDER: &str = "Garenne <shop@garenne.example>";

/// A mail about an order, ready to go.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The order.
    pub order_id: OrderId,
    /// What it is about: at most one mail of a kind is sent per order.
    pub kind: Kind,
    /// Its text and headers.
    pub message: Message,
}

/// What a mail is about: the name of the event that caused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The order was paid.
    OrderConfirmed,
    /// It came to nothing.
    OrderCancelled,
    /// The parcel left.
    ShipmentDispatched,
}

/// No mail can be made for this customer, however often it is tried.
#[derive(Debug, thiserror::Error)]
#[error("no mail about order {order_id} can be addressed to {address}: {cause}")]
pub struct UnusableAddress {
    order_id: OrderId,
    address: String,
    cause: Box<dyn std::error::Error + Send + Sync>,
}

impl TryFrom<&OrderConfirmed> for Mail {
    type Error = UnusableAddress;

    fn try_from(order: &OrderConfirmed) -> Result<Self, Self::Error> {
        let OrderConfirmed { order_id, customer, lines, total } = order;
        let mut text = format!("thank you: your order is confirmed and paid ({total}). We are packing:\n\n");
        for line in lines {
            text.push_str(&format!("  {} x {}\n", line.quantity, line.sku));
        }
        compose(*order_id, Kind::OrderConfirmed, customer, "Your order is confirmed", &text)
    }
}

impl TryFrom<&OrderCancelled> for Mail {
    type Error = UnusableAddress;

    fn try_from(order: &OrderCancelled) -> Result<Self, Self::Error> {
        let OrderCancelled { order_id, customer, reason } = order;
        let text = format!("we are sorry: your order is cancelled ({reason}). Nothing was taken from your card.\n");
        compose(*order_id, Kind::OrderCancelled, customer, "Your order is cancelled", &text)
    }
}

impl TryFrom<&ShipmentDispatched> for Mail {
    type Error = UnusableAddress;

    fn try_from(shipment: &ShipmentDispatched) -> Result<Self, Self::Error> {
        let ShipmentDispatched { order_id, customer, tracking_code } = shipment;
        let text = format!("your parcel is on its way. Its tracking code is {tracking_code}.\n");
        compose(*order_id, Kind::ShipmentDispatched, customer, "Your parcel is on its way", &text)
    }
}

fn compose(
    order_id: OrderId,
    kind: Kind,
    customer: &Customer,
    subject: &str,
    text: &str,
) -> Result<Mail, UnusableAddress> {
    let build = || {
        let address = customer.email.as_str().parse()?;
        let message = Message::builder()
            .from(SENDER.parse()?)
            .to(Mailbox::new(Some(customer.name.to_string()), address))
            .subject(subject)
            .message_id(Some(format!("<{order_id}.{kind}@garenne.example>")))
            .header(ContentType::TEXT_PLAIN)
            .body(format!("Dear {},\n\n{text}\nOrder {order_id}\n", customer.name))?;
        Ok(message)
    };
    match build() {
        Ok(message) => Ok(Mail { order_id, kind, message }),
        Err(cause) => Err(UnusableAddress { order_id, address: customer.email.to_string(), cause }),
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OrderConfirmed => "order-confirmed",
            Self::OrderCancelled => "order-cancelled",
            Self::ShipmentDispatched => "shipment-dispatched",
        })
    }
}

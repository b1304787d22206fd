//! The gist of a message, in a few words for people. Names and addresses of customers stay out of it.

use contracts::inventory::{StockRejected, StockReleased, StockReserved};
use contracts::orders::{OrderCancelled, OrderConfirmed, OrderPlaced};
use contracts::payments::{PaymentCaptured, PaymentDeclined};
use contracts::shipping::ShipmentDispatched;
use contracts::storefront::CheckoutSubmitted;
use contracts::values::OrderLines;
use garenne::Event;
use serde_json::Value;

/// The longest gist, in characters: some of it is another service's free text.
const DETAIL_LIMIT: usize = 200;

/// What an event says. Empty for one that this page does not know.
#[must_use]
pub(crate) fn of_event(name: &str, body: &Value) -> String {
    let detail = said::<CheckoutSubmitted>(name, body, |checkout| articles(&checkout.lines))
        .or_else(|| said::<OrderPlaced>(name, body, |placed| articles(&placed.lines)))
        .or_else(|| said::<StockReserved>(name, body, |reserved| reserved.total.to_string()))
        .or_else(|| said::<StockRejected>(name, body, |rejected| shortage(&rejected)))
        .or_else(|| said::<StockReleased>(name, body, |released| articles(&released.lines)))
        .or_else(|| said::<PaymentCaptured>(name, body, |captured| capture(&captured)))
        .or_else(|| said::<PaymentDeclined>(name, body, |declined| declined.reason))
        .or_else(|| said::<OrderConfirmed>(name, body, |confirmed| confirmed.total.to_string()))
        .or_else(|| said::<OrderCancelled>(name, body, |cancelled| cancelled.reason.to_string()))
        .or_else(|| said::<ShipmentDispatched>(name, body, |shipment| format!("tracking {}", shipment.tracking_code)));
    cut(&detail.unwrap_or_default())
}

/// A text cut to what fits on the page.
#[must_use]
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(DETAIL_LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn said<E: Event>(name: &str, body: &Value, gist: impl FnOnce(E) -> String) -> Option<String> {
    if name != E::NAME.as_str() {
        return None;
    }
    E::deserialize(body).ok().map(gist)
}

fn articles(lines: &OrderLines) -> String {
    let mut shown: Vec<_> = lines.iter().take(3).map(|line| format!("{} × {}", line.quantity, line.sku)).collect();
    if let Some(more) = lines.iter().count().checked_sub(3).filter(|more| *more > 0) {
        shown.push(format!("{more} more"));
    }
    shown.join(", ")
}

fn shortage(rejected: &StockRejected) -> String {
    match rejected.available {
        None => format!("there is no {}", rejected.sku),
        Some(available) => format!("{}: only {available} on the shelf", rejected.sku),
    }
}

fn capture(captured: &PaymentCaptured) -> String {
    match captured.attempt {
        0 | 1 => captured.amount.to_string(),
        attempt => format!("{}, attempt {attempt}", captured.amount),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ORDER: &str = "01926f3e-7c3a-7b60-8f00-3c6a3f6a5b11";

    #[test]
    fn each_message_of_the_shop_has_its_gist() {
        let lines = json!([{"sku": "MUG-BLUE", "quantity": 2}, {"sku": "MUG-RED", "quantity": 1}]);
        let customer = json!({"name": "Ada Lovelace", "email": "ada@example.org"});
        let euro = json!({"amount": 1999, "currency": "EUR"});
        for (name, body, gist) in [
            (
                "storefront.checkout-submitted",
                json!({"customer": customer, "lines": lines, "card": "tok_ok"}),
                "2 × MUG-BLUE, 1 × MUG-RED",
            ),
            ("orders.order-placed", json!({"lines": lines, "card": "tok_ok"}), "2 × MUG-BLUE, 1 × MUG-RED"),
            ("inventory.stock-reserved", json!({"total": euro, "card": "tok_ok"}), "19.99 EUR"),
            ("inventory.stock-rejected", json!({"sku": "MUG-BLUE", "available": 3}), "MUG-BLUE: only 3 on the shelf"),
            ("inventory.stock-rejected", json!({"sku": "MUG-BLUE"}), "there is no MUG-BLUE"),
            ("inventory.stock-released", json!({"lines": lines}), "2 × MUG-BLUE, 1 × MUG-RED"),
            ("payments.payment-captured", json!({"amount": euro, "attempt": 1}), "19.99 EUR"),
            ("payments.payment-captured", json!({"amount": euro, "attempt": 3}), "19.99 EUR, attempt 3"),
            ("payments.payment-declined", json!({"reason": "stolen"}), "stolen"),
            ("orders.order-confirmed", json!({"customer": customer, "lines": lines, "total": euro}), "19.99 EUR"),
            ("orders.order-cancelled", json!({"customer": customer, "reason": "out-of-stock"}), "out of stock"),
            ("shipping.shipment-dispatched", json!({"customer": customer, "tracking_code": "GX1"}), "tracking GX1"),
        ] {
            let mut body = body;
            body["order_id"] = json!(ORDER);
            assert_eq!(of_event(name, &body), gist, "{name}");
        }
    }

    #[test]
    fn an_unknown_or_malformed_event_has_none() {
        assert_eq!(of_event("orders.order-placed.v2", &json!({"order_id": ORDER})), "");
        assert_eq!(of_event("orders.order-placed", &json!({"order_id": ORDER})), "");
    }

    #[test]
    fn many_lines_and_long_texts_are_cut() {
        let lines: Value = (0..5).map(|n| json!({"sku": format!("A-{n}"), "quantity": 1})).collect();
        let body = json!({"order_id": ORDER, "lines": lines, "card": "tok_ok"});
        assert_eq!(of_event("orders.order-placed", &body), "1 × A-0, 1 × A-1, 1 × A-2, 2 more");
        let reason = json!({"order_id": ORDER, "reason": "ä".repeat(500)});
        assert_eq!(of_event("payments.payment-declined", &reason), format!("{}…", "ä".repeat(DETAIL_LIMIT)));
    }
}

//! What holds for every value, whatever is read.

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{
    CardToken, CountId, Customer, EmailAddress, Moment, Money, OrderId, OrderLines, PersonName, Quantity, Sku, Units,
};
use crate::storefront::CheckoutSubmitted;
use crate::warehouse::StockCounted;

/// Text is either no value, or a value that is written as it was read and read as it was written.
fn survives<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(json: &str) -> Result<(), TestCaseError> {
    if let Ok(value) = serde_json::from_str::<T>(json) {
        let written = serde_json::to_string(&value).expect("a value can be written");
        let read: T = serde_json::from_str(&written).expect("what was written can be read");
        prop_assert_eq!(read, value);
    }
    Ok(())
}

/// Every value from the same text.
fn all_survive(json: &str) -> Result<(), TestCaseError> {
    survives::<CardToken>(json)?;
    survives::<CountId>(json)?;
    survives::<Customer>(json)?;
    survives::<EmailAddress>(json)?;
    survives::<Moment>(json)?;
    survives::<Money>(json)?;
    survives::<OrderId>(json)?;
    survives::<OrderLines>(json)?;
    survives::<PersonName>(json)?;
    survives::<Quantity>(json)?;
    survives::<Sku>(json)?;
    survives::<StockCounted>(json)?;
    survives::<Units>(json)?;
    survives::<CheckoutSubmitted>(json)
}

/// Something that is nearly what one of the values is.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,60}",
        "tok_[a-z0-9_]{0,62}",
        "[A-Z0-9-]{0,42}",
        "[a-z.]{0,66}@[a-z.-]{0,9}\\.[a-z]{0,3}",
        "[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}",
        "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,12})?(Z|[+-][01][0-9]:[0-5][0-9])",
    ]
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    sku: String,
    quantity: i64,
}

proptest! {
    #[test]
    fn a_text_is_a_value_or_refused(text in text()) {
        all_survive(&serde_json::to_string(&text).expect("text is JSON"))?;
    }

    #[test]
    fn a_number_is_a_quantity_or_refused(number in any::<i64>(), small in -2..1_100_i64) {
        for number in [number, small] {
            let quantity = serde_json::from_str::<Quantity>(&number.to_string());
            prop_assert_eq!(quantity.is_ok(), (1..=1_000).contains(&number));
            all_survive(&number.to_string())?;
            let units = serde_json::from_str::<Units>(&number.to_string());
            prop_assert_eq!(units.is_ok(), (0..=1_000_000).contains(&number));
        }
    }

    #[test]
    fn a_time_is_the_same_in_every_offset(milliseconds in 0..253_402_200_000_000_i64, hours in 0..=23_i8) {
        let moment = |text: String| serde_json::from_value::<Moment>(text.into()).map(Moment::milliseconds);
        let utc = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000).expect("a time");
        let there = utc.to_offset(time::UtcOffset::from_hms(hours, 0, 0).expect("an offset"));
        for time in [utc, there] {
            let text = time.format(&time::format_description::well_known::Rfc3339).expect("a text");
            prop_assert_eq!(moment(text).expect("a moment"), milliseconds);
        }
    }

    #[test]
    fn lines_are_an_order_or_refused(lines in proptest::collection::vec(("[A-C]{0,2}", -1..1_002_i64), 0..60)) {
        let lines: Vec<Line> = lines.into_iter().map(|(sku, quantity)| Line { sku, quantity }).collect();
        let json = serde_json::to_string(&lines).expect("lines are JSON");
        let mut skus: Vec<&str> = lines.iter().map(|line| line.sku.as_str()).collect();
        skus.sort_unstable();
        let twice = skus.windows(2).any(|pair| pair[0] == pair[1]);
        let right = lines.iter().all(|line| !line.sku.is_empty() && (1..=1_000).contains(&line.quantity));
        let order = serde_json::from_str::<OrderLines>(&json);
        prop_assert_eq!(order.is_ok(), (1..=50).contains(&lines.len()) && right && !twice);
        all_survive(&json)?;
    }

    #[test]
    fn amounts_are_added_and_multiplied_or_refused(a in any::<i64>(), b in any::<i64>(), units in 1..=1_000_i64) {
        let (money, quantity) = (Money::euro_cents(a), Quantity::try_from(units).expect("in range"));
        prop_assert_eq!(money.plus(Money::euro_cents(b)).ok().map(|sum| sum.amount), a.checked_add(b));
        prop_assert_eq!(money.times(quantity).ok().map(|product| product.amount), a.checked_mul(units));
    }

    #[test]
    fn any_json_is_a_message_or_refused(
        name in text(), email in text(), card in text(), sku in text(), quantity in any::<i16>(), order_id in text(),
    ) {
        let checkout = serde_json::json!({
            "order_id": order_id, "customer": {"name": name, "email": email}, "card": card,
            "lines": [{"sku": sku, "quantity": quantity}],
        });
        all_survive(&checkout.to_string())?;
        let count = serde_json::json!({"count_id": order_id, "sku": sku, "units": quantity, "counted_at": name});
        all_survive(&count.to_string())?;
    }
}

//! Reads a checkout that somebody sent and names everything that is wrong with it at once.

use std::collections::HashMap;

use contracts::storefront::CheckoutSubmitted;
use contracts::values::{
    CardToken, Customer, EmailAddress, InvalidValue, LINES_LIMIT, OrderId, OrderLine, OrderLines, PersonName,
    QUANTITY_LIMIT, Quantity, Sku,
};
use serde::Serialize;
use serde_json::{Map, Value};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FieldError {
    /// Where it stands, as a JSON pointer (RFC 6901).
    pub(crate) pointer: String,
    /// What is wrong there and what would be right.
    pub(crate) detail: String,
}

/// Reads the body of `POST /api/checkouts`. Without an `order_id` a new one is made up.
///
/// # Errors
///
/// Everything that is wrong, in the order of the fields; never an empty list.
pub(crate) fn read(body: &Value) -> Result<CheckoutSubmitted, Vec<FieldError>> {
    let mut form = Form { errors: Vec::new() };
    let checkout = form.checkout(body);
    match checkout {
        Some(checkout) if form.errors.is_empty() => Ok(checkout),
        _ => Err(form.errors),
    }
}

/// Collects what is wrong while the fields are read one by one.
struct Form {
    errors: Vec<FieldError>,
}

impl Form {
    fn checkout(&mut self, body: &Value) -> Option<CheckoutSubmitted> {
        let Some(fields) = body.as_object() else {
            return self.wrong("", "must be an object with customer, lines and card");
        };
        let order_id = self.order_id(fields);
        let customer = self.customer(fields);
        let lines = self.lines(fields);
        let card = self.text(fields, "", "card", CardToken::new);
        Some(CheckoutSubmitted { order_id: order_id?, customer: customer?, lines: lines?, card: card? })
    }

    fn order_id(&mut self, fields: &Map<String, Value>) -> Option<OrderId> {
        match fields.get("order_id") {
            None | Some(Value::Null) => Some(OrderId::new()),
            Some(Value::String(text)) => match text.parse() {
                Ok(order_id) => Some(order_id),
                Err(_) => self.wrong("/order_id", "must be a UUID, or be left out"),
            },
            Some(_) => self.wrong("/order_id", "must be a UUID in a string, or be left out"),
        }
    }

    fn customer(&mut self, fields: &Map<String, Value>) -> Option<Customer> {
        let Some(customer) = fields.get("customer") else {
            return self.wrong("/customer", "is missing: an object with name and email");
        };
        let Some(customer) = customer.as_object() else {
            return self.wrong("/customer", "must be an object with name and email");
        };
        let name = self.text(customer, "/customer", "name", PersonName::new);
        let email = self.text(customer, "/customer", "email", EmailAddress::new);
        Some(Customer { name: name?, email: email? })
    }

    fn lines(&mut self, fields: &Map<String, Value>) -> Option<OrderLines> {
        let Some(lines) = fields.get("lines") else {
            return self.wrong("/lines", "is missing: an array of objects with sku and quantity");
        };
        let Some(lines) = lines.as_array() else {
            return self.wrong("/lines", "must be an array of objects with sku and quantity");
        };
        if lines.is_empty() || lines.len() > LINES_LIMIT {
            return self.wrong("/lines", format!("has {} lines; an order has 1 to {LINES_LIMIT}", lines.len()));
        }
        let mut first_line_of = HashMap::new();
        let read: Vec<_> = lines
            .iter()
            .enumerate()
            .filter_map(|(index, line)| {
                let line = self.line(&format!("/lines/{index}"), line)?;
                if let Some(first) = first_line_of.insert(line.sku.clone(), index) {
                    let detail = format!("{} already stands in line {first}; add up the quantities", line.sku);
                    return self.wrong(&format!("/lines/{index}/sku"), detail);
                }
                Some(line)
            })
            .collect();
        if read.len() < lines.len() {
            return None;
        }
        OrderLines::try_from(read).map_err(|error| self.wrong::<()>("/lines", error.to_string())).ok()
    }

    fn line(&mut self, pointer: &str, line: &Value) -> Option<OrderLine> {
        let Some(line) = line.as_object() else {
            return self.wrong(pointer, "must be an object with sku and quantity");
        };
        let sku = self.text(line, pointer, "sku", Sku::new);
        let quantity = self.quantity(line, &format!("{pointer}/quantity"));
        Some(OrderLine { sku: sku?, quantity: quantity? })
    }

    fn quantity(&mut self, line: &Map<String, Value>, pointer: &str) -> Option<Quantity> {
        match line.get("quantity") {
            None => self.wrong(pointer, format!("is missing: a whole number from 1 to {QUANTITY_LIMIT}")),
            Some(given) => match given.as_i64().map(Quantity::try_from) {
                Some(Ok(quantity)) => Some(quantity),
                _ => self.wrong(pointer, format!("must be a whole number from 1 to {QUANTITY_LIMIT}")),
            },
        }
    }

    fn text<T>(
        &mut self,
        fields: &Map<String, Value>,
        parent: &str,
        name: &str,
        check: fn(String) -> Result<T, InvalidValue>,
    ) -> Option<T> {
        let pointer = format!("{parent}/{name}");
        match fields.get(name) {
            None => self.wrong(&pointer, "is missing"),
            Some(Value::String(text)) => match check(text.clone()) {
                Ok(value) => Some(value),
                Err(error) => self.wrong(&pointer, error.to_string()),
            },
            Some(_) => self.wrong(&pointer, "must be a string"),
        }
    }

    fn wrong<T>(&mut self, pointer: &str, detail: impl Into<String>) -> Option<T> {
        self.errors.push(FieldError { pointer: pointer.to_owned(), detail: detail.into() });
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "order_id": "01926f3e-7c3a-7b60-8f00-3c6a3f6a5b11",
            "customer": {"name": "Ada Lovelace", "email": "ada@example.org"},
            "lines": [{"sku": "MUG-BLUE", "quantity": 2}, {"sku": "MUG-RED", "quantity": 1}],
            "card": "tok_ok",
            "a_field_of_tomorrow": true
        })
    }

    fn pointers(body: &Value) -> Vec<String> {
        read(body).expect_err("must be refused").into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn a_good_checkout_is_what_its_json_says() {
        assert_eq!(read(&good()).unwrap(), serde_json::from_value(good()).unwrap());
    }

    #[test]
    fn an_order_id_may_be_left_out() {
        for absent in [json!({"order_id": null}), json!({})] {
            let mut body = good();
            body.as_object_mut().unwrap().remove("order_id");
            body.as_object_mut().unwrap().extend(absent.as_object().unwrap().clone());
            let first = read(&body).unwrap();
            assert_ne!(first.order_id, read(&body).unwrap().order_id);
        }
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let body = json!({
            "order_id": "seven",
            "customer": {"name": " ", "email": 7},
            "lines": [{"sku": "mug", "quantity": 0}, {"quantity": 1.5}, "three", {"sku": "A", "quantity": 1001}],
            "card": "4111111111111111"
        });
        assert_eq!(
            pointers(&body),
            [
                "/order_id",
                "/customer/name",
                "/customer/email",
                "/lines/0/sku",
                "/lines/0/quantity",
                "/lines/1/sku",
                "/lines/1/quantity",
                "/lines/2",
                "/lines/3/quantity",
                "/card"
            ]
        );
        assert_eq!(pointers(&json!({})), ["/customer", "/lines", "/card"]);
        assert_eq!(pointers(&json!([])), [""]);
    }

    #[test]
    fn an_article_stands_once_and_the_second_line_is_the_wrong_one() {
        let mut body = good();
        body["lines"][1]["sku"] = json!("MUG-BLUE");
        let errors = read(&body).unwrap_err();
        assert_eq!(errors[0].pointer, "/lines/1/sku");
        assert!(errors[0].detail.contains("line 0"), "{}", errors[0].detail);
    }

    #[test]
    fn an_order_has_1_to_50_lines() {
        let line = |n: usize| json!({"sku": format!("A-{n}"), "quantity": 1});
        let with = |count: usize| {
            let mut body = good();
            body["lines"] = (0..count).map(line).collect();
            body
        };
        assert_eq!(pointers(&with(0)), ["/lines"]);
        assert_eq!(pointers(&with(51)), ["/lines"]);
        assert!(read(&with(50)).is_ok());
    }

    #[test]
    fn a_quantity_beyond_every_integer_is_refused_like_any_other() {
        for bad in [json!(-1), json!(u64::MAX), json!(1e300), json!("2"), json!(null)] {
            let mut body = good();
            body["lines"][0]["quantity"] = bad;
            assert_eq!(pointers(&body), ["/lines/0/quantity"]);
        }
    }
}

//! Who buys, and what must come of it.

use contracts::values::OrderId;
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

/// Articles of which there is more than a run can sell.
const ARTICLES: [&str; 7] =
    ["BAG-LINEN", "BOWL-OAK", "CANDLE-BEE", "LAMP-PAPER", "MUG-BLUE", "NOTEBOOK-A5", "TEA-MINT"];

/// A customer, by what makes them special.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Customer {
    Plain,
    /// Wants one of the last three.
    Collector,
    /// Pays with a card that is declined.
    Declined,
    /// Pays with a card that works at the third try.
    Flaky,
    /// Pays with a card that takes 2 s.
    Slow,
    /// Wants more than there are.
    Greedy,
    /// Wants what the shop does not know.
    Lost,
}

/// What comes in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Visit {
    /// An order.
    Order { id: String, customer: Customer, body: Value },
    /// A body that is no checkout: a dead letter.
    Nonsense(&'static str),
    /// The id of an earlier order with another content: a dead letter.
    Forgery,
}

impl Customer {
    /// How their order may end.
    pub(crate) fn ends(self) -> &'static [&'static str] {
        match self {
            Self::Plain | Self::Flaky | Self::Slow => &["dispatched"],
            Self::Collector => &["dispatched", "cancelled"],
            Self::Declined | Self::Greedy | Self::Lost => &["cancelled"],
        }
    }
}

impl Visit {
    /// The next one. Of a thousand, 4 are nonsense, 4 are forgeries, and about 300 of the customers are awkward.
    pub(crate) fn next(random: &mut StdRng) -> Self {
        let customer = match random.random_range(0..1000) {
            0..4 => {
                let bodies = [r#"{"order_id": 5"#, "not JSON at all", r#"{"order_id": "x", "lines": []}"#, ""];
                return Self::Nonsense(bodies[random.random_range(0..bodies.len())]);
            }
            4..8 => return Self::Forgery,
            8..16 => Customer::Collector,
            16..106 => Customer::Declined,
            106..186 => Customer::Flaky,
            186..216 => Customer::Slow,
            216..266 => Customer::Greedy,
            266..306 => Customer::Lost,
            _ => Customer::Plain,
        };
        let id = OrderId::new().to_string();
        let lines = match customer {
            Customer::Collector => vec![json!({"sku": "ATLAS-1911", "quantity": 1})],
            Customer::Greedy => vec![json!({"sku": "ATLAS-1911", "quantity": 4})],
            Customer::Lost => vec![json!({"sku": "NO-SUCH-THING", "quantity": 1})],
            _ => basket(random),
        };
        let card = match customer {
            Customer::Declined => "tok_declined",
            Customer::Flaky => "tok_flaky",
            Customer::Slow => "tok_slow",
            _ => "tok_ok",
        };
        let buyer = json!({"name": "Ada Lovelace", "email": "ada@example.org"});
        let body = json!({"order_id": id, "customer": buyer, "lines": lines, "card": card});
        Self::Order { id, customer, body }
    }
}

fn basket(random: &mut StdRng) -> Vec<Value> {
    let first = random.random_range(0..ARTICLES.len());
    let count = random.random_range(1..=3);
    let articles = (0..count).map(|step| ARTICLES[(first + step) % ARTICLES.len()]);
    articles.map(|sku| json!({"sku": sku, "quantity": random.random_range(1..=3)})).collect()
}

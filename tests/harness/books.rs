//! The shop's books: what its databases say, and the laws that must hold between them whatever has died.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use sqlx::{AnyConnection, AnyPool, Connection as _};

use crate::{CONSUMERS, Shop};

/// Where the databases of a shop are, SQLite files or PostgreSQL, and its mail.
#[derive(Debug, Clone)]
pub struct Books {
    urls: BTreeMap<String, String>,
    mail: PathBuf,
}

/// A law that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The law.
    pub law: &'static str,
    /// The orders or articles for which it does not hold, each with what was found.
    pub cases: Vec<String>,
}

/// Every order by how it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orders {
    /// All that are stored, with their status.
    pub all: BTreeMap<String, String>,
    /// Ended well.
    pub dispatched: BTreeSet<String>,
    /// Came to nothing.
    pub cancelled: BTreeSet<String>,
}

/// Reads one column of text from a service's database.
///
/// # Panics
///
/// When the query fails.
pub async fn column(shop: &Shop, service: &str, query: &'static str) -> Vec<String> {
    Books::of(shop).column(service, query).await.expect("the query")
}

/// Audits the laws of [`Books::breaches`], and that so many orders are stored.
///
/// # Panics
///
/// When a law is broken: which one, and by which orders.
pub async fn audit(shop: &Shop, expected_orders: usize) {
    let books = Books::of(shop);
    assert_eq!(books.orders().await.expect("the orders").all.len(), expected_orders, "orders stored");
    let breaches = books.breaches().await.expect("the books can be read");
    assert!(breaches.is_empty(), "{}", breaches.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
}

impl Books {
    /// Books whose databases are at these URLs, by service.
    #[must_use]
    pub fn new(urls: BTreeMap<String, String>, mail: PathBuf) -> Self {
        sqlx::any::install_default_drivers();
        Self { urls, mail }
    }

    /// The books of a shop of the harness.
    #[must_use]
    pub fn of(shop: &Shop) -> Self {
        let url = |service: &str| format!("sqlite://{}", shop.folder().join(format!("{service}.db")).display());
        let urls = CONSUMERS.iter().map(|service| ((*service).to_owned(), url(service))).collect();
        Self::new(urls, shop.folder().join("mail"))
    }

    /// Reads one column of text from a service's database.
    ///
    /// # Errors
    ///
    /// When the query fails.
    pub async fn column(&self, service: &str, query: &'static str) -> Result<Vec<String>, sqlx::Error> {
        let pool = AnyPool::connect(&self.urls[service]).await?;
        let rows = sqlx::query_scalar::<_, String>(query).fetch_all(&pool).await;
        pool.close().await;
        rows
    }

    /// A connection to a service's database.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub async fn connect(&self, service: &str) -> Result<AnyConnection, sqlx::Error> {
        AnyConnection::connect(&self.urls[service]).await
    }

    /// Every order and how it ended.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn orders(&self) -> Result<Orders, sqlx::Error> {
        let rows = self.column("orders", "SELECT order_id || ' ' || status FROM orders").await?;
        let pairs = rows.iter().filter_map(|row| row.split_once(' '));
        let all: BTreeMap<String, String> = pairs.map(|(id, status)| (id.to_owned(), status.to_owned())).collect();
        let of = |wanted: &str| all.iter().filter(|(_, status)| *status == wanted).map(|(id, _)| id.clone()).collect();
        Ok(Orders { dispatched: of("dispatched"), cancelled: of("cancelled"), all })
    }

    /// How many mails the notifications say they have sent.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn mails_sent(&self) -> Result<usize, sqlx::Error> {
        Ok(self.column("notifications", "SELECT order_id FROM sent_mail").await?.len())
    }

    /// How many events a service has committed and not published yet.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn unsent(&self, service: &str) -> Result<usize, sqlx::Error> {
        Ok(self.column(service, "SELECT 'unsent' FROM garenne_outbox").await?.len())
    }

    /// Checks the laws: every checkout ended dispatched or cancelled; stock at the start, corrected by counts, = stock now +
    /// units of live orders; one capture and one parcel for each confirmed order and none for a cancelled one; one mail for each
    /// outcome.
    ///
    /// # Errors
    ///
    /// When a database cannot be read.
    pub async fn breaches(&self) -> Result<Vec<Breach>, sqlx::Error> {
        let orders = self.orders().await?;
        let open = orders.all.iter().filter(|(_, status)| *status != "dispatched" && *status != "cancelled");
        let open = open.map(|(id, status)| format!("{id} is {status}")).collect();
        let mut breaches = vec![Breach { law: "every checkout ends dispatched or cancelled", cases: open }];

        let articles = self.column("inventory", STOCK).await?;
        let law = "stock at the start and what counting has corrected = stock now + units of live orders";
        breaches.push(Breach { law, cases: articles });

        for (law, service, query) in [
            (
                "stock is reserved for live orders alone",
                "inventory",
                "SELECT order_id FROM reservations WHERE state = 'reserved'",
            ),
            (
                "one capture for each confirmed order, none for a cancelled one",
                "payments",
                "SELECT order_id FROM charges WHERE state = 'captured'",
            ),
            (
                "the provider has taken the money of confirmed orders alone",
                "payments",
                "SELECT idempotency_key FROM provider_books WHERE captured_cents IS NOT NULL",
            ),
            (
                "one parcel for each confirmed order, none for a cancelled one",
                "shipping",
                "SELECT order_id FROM shipments",
            ),
        ] {
            let found = self.column(service, query).await?.into_iter().collect();
            breaches.push(Breach { law, cases: differences(&orders.dispatched, &found) });
        }
        breaches.push(Breach { law: "one mail for each outcome", cases: self.wrong_mail(&orders).await? });
        breaches.retain(|breach| !breach.cases.is_empty());
        Ok(breaches)
    }

    /// Where what `analytics` has counted differs from what `orders` has confirmed: in orders, cents, or units of an article.
    ///
    /// # Errors
    ///
    /// When a database cannot be read.
    pub async fn sales_differ(&self) -> Result<Vec<String>, sqlx::Error> {
        let confirmed = "SELECT total_cents || ' ' || lines FROM orders WHERE status IN ('confirmed', 'dispatched')";
        let (mut orders, mut cents, mut units) = (0_u64, 0_u64, BTreeMap::<String, u64>::new());
        for row in self.column("orders", confirmed).await? {
            let (total, lines) = row.split_once(' ').unwrap_or_default();
            let lines: Vec<Line> = serde_json::from_str(lines).expect("lines as JSON");
            orders += 1;
            cents += total.parse::<u64>().expect("cents");
            for line in lines {
                *units.entry(line.sku).or_default() += line.quantity;
            }
        }
        let mut wanted: BTreeSet<String> = units.iter().map(|(sku, units)| format!("{units} {sku}")).collect();
        if orders > 0 {
            wanted.insert(format!("{orders} orders of {cents} cents"));
        }
        let counted = self.column("analytics", COUNTED).await?;
        Ok(differences(&wanted, &counted.into_iter().collect()))
    }

    /// The orders that `analytics` has counted.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn counted(&self) -> Result<BTreeSet<String>, sqlx::Error> {
        let counted = "SELECT order_id FROM counted_orders, editions WHERE edition = answering";
        Ok(self.column("analytics", counted).await?.into_iter().collect())
    }

    /// The orders whose mail is not what their end asks for, in the folder or in the notifications' own list.
    async fn wrong_mail(&self, orders: &Orders) -> Result<Vec<String>, sqlx::Error> {
        let mut wanted = BTreeSet::new();
        for id in &orders.dispatched {
            wanted.insert(format!("{id}.order-confirmed"));
            wanted.insert(format!("{id}.shipment-dispatched"));
        }
        wanted.extend(orders.cancelled.iter().map(|id| format!("{id}.order-cancelled")));
        let noted = self.column("notifications", "SELECT order_id || '.' || kind FROM sent_mail").await?;
        let mut cases = differences(&wanted, &noted.into_iter().collect());
        cases.extend(
            differences(&wanted, &mails_in(&self.mail)).into_iter().map(|case| format!("{case} in the folder")),
        );
        Ok(cases)
    }
}

const STOCK: &str = "SELECT a.sku || ': ' || a.start_stock || ' at the start, ' || a.corrected || ' corrected, '
        || a.stock || ' now, '
        || COALESCE((SELECT SUM(units) FROM reserved_lines r WHERE r.sku = a.sku), 0) || ' reserved'
    FROM articles a
    WHERE a.start_stock + a.corrected
        <> a.stock + COALESCE((SELECT SUM(units) FROM reserved_lines r WHERE r.sku = a.sku), 0)";

const COUNTED: &str =
    "SELECT orders || ' orders of ' || revenue_cents || ' cents' FROM totals, editions WHERE edition = answering
    UNION ALL SELECT units || ' ' || sku FROM articles, editions WHERE edition = answering";

/// A line of an order in the books.
#[derive(serde::Deserialize)]
struct Line {
    sku: String,
    quantity: u64,
}

/// What one set has and the other has not, in words.
fn differences(wanted: &BTreeSet<String>, found: &BTreeSet<String>) -> Vec<String> {
    let missing = wanted.difference(found).map(|id| format!("{id} is missing"));
    missing.chain(found.difference(wanted).map(|id| format!("{id} is too much"))).collect()
}

/// The mails of a folder, `<order>.<kind>`.
fn mails_in(folder: &Path) -> BTreeSet<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return BTreeSet::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| name.strip_suffix(".eml").map(str::to_owned)).collect()
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 20;
        write!(f, "broken: {} ({})", self.law, self.cases.len())?;
        for case in self.cases.iter().take(SHOWN) {
            write!(f, "\n    {case}")?;
        }
        if self.cases.len() > SHOWN { write!(f, "\n    and {} more", self.cases.len() - SHOWN) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::differences;

    #[test]
    fn what_is_missing_and_what_is_too_much_are_named() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(differences(&set(&["a", "b"]), &set(&["b", "c"])), ["a is missing", "c is too much"]);
    }
}

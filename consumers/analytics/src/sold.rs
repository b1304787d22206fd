//! What a page of the log adds to the sales.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use contracts::orders::OrderConfirmed;
use contracts::values::{OrderId, OrderLines, Sku};

/// A confirmed order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sold {
    /// Which one.
    pub order_id: OrderId,
    /// When that was told, in minutes since 1970; 0 if it was not said.
    pub minute: i64,
    /// What was bought.
    pub lines: OrderLines,
    /// What was paid, in cents.
    pub cents: i64,
}

/// The sum of some orders.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum<'a> {
    pub(crate) orders: i64,
    pub(crate) cents: i64,
    /// By minute: orders and cents.
    pub(crate) minutes: BTreeMap<i64, (i64, i64)>,
    pub(crate) articles: BTreeMap<&'a Sku, i64>,
    pub(crate) minute_articles: BTreeMap<(i64, &'a Sku), i64>,
}

impl Sold {
    /// An order whose confirmation was told then.
    #[must_use]
    pub fn new(order: OrderConfirmed, told_at: Option<SystemTime>) -> Self {
        let since_1970 = told_at.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        let minute = i64::try_from(since_1970.as_secs() / 60).unwrap_or(0);
        Self { order_id: order.order_id, minute, lines: order.lines, cents: order.total.amount }
    }
}

impl<'a> Sum<'a> {
    /// Adds up the orders of which the id is among the new ones, each once.
    pub(crate) fn of(sold: &'a [Sold], mut new: BTreeSet<OrderId>) -> Self {
        let mut sum = Self::default();
        for order in sold.iter().filter(|order| new.remove(&order.order_id)) {
            sum.orders += 1;
            sum.cents = sum.cents.saturating_add(order.cents);
            let minute = sum.minutes.entry(order.minute).or_default();
            *minute = (minute.0 + 1, minute.1.saturating_add(order.cents));
            for line in &order.lines {
                let units = i64::from(line.quantity.get());
                *sum.articles.entry(&line.sku).or_default() += units;
                *sum.minute_articles.entry((order.minute, &line.sku)).or_default() += units;
            }
        }
        sum
    }
}

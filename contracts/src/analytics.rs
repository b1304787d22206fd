//! What `analytics` answers: what was sold, by minute and by article.

use garenne_contract::Request;
use serde::{Deserialize, Serialize};

use crate::values::{Money, Sku};

/// The most minutes that one answer has.
pub const MINUTES_LIMIT: u32 = 1_440;

/// What was sold since the beginning of history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Request, Serialize, Deserialize)]
#[request(name = "analytics.sales", reply = Sales)]
pub struct GetSales {
    /// How many of the last minutes in which something was sold are told one by one: 60 unless it says otherwise, and at
    /// most [`MINUTES_LIMIT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
}

/// Builds everything anew from the beginning of the log. Until that is done the answers stay what they are.
///
/// Not for a log that was deleted: there, set `last_offset` in analytics' table `garenne_offset` to -1. What is known stays, and what
/// the new log holds is added.
#[derive(Debug, Clone, PartialEq, Eq, Request, Serialize, Deserialize)]
#[request(name = "analytics.rebuild", reply = Rebuilding)]
pub struct Rebuild {}

/// What was sold. An order counts from its confirmation on, in the minute in which that was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sales {
    /// Confirmed orders.
    pub orders: u64,
    /// Units in them.
    pub units: u64,
    /// What was paid for them.
    pub revenue: Money,
    /// The units by article, sorted by its number.
    pub articles: Vec<ArticleSales>,
    /// The last minutes in which something was sold, the oldest first.
    pub minutes: Vec<MinuteSales>,
    /// The last entry of the log that this counts; absent before the first one.
    pub through: Option<u64>,
    /// Whether everything is being built anew. Meanwhile nothing is added here.
    pub rebuilding: bool,
}

/// What was sold of one article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArticleSales {
    /// The article.
    pub sku: Sku,
    /// Units of it.
    pub units: u64,
}

/// What was sold in one minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinuteSales {
    /// When it began, in seconds since 1970. 0 for what was told without a time.
    pub begins_at: u64,
    /// Orders that were confirmed in it.
    pub orders: u64,
    /// What was paid for them.
    pub revenue: Money,
    /// The units by article, sorted by its number.
    pub articles: Vec<ArticleSales>,
}

/// A rebuild is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebuilding {
    /// The entry of the log up to which the answers stay; once it is counted anew, the new result answers. Absent when
    /// nothing was counted yet, so that there is nothing to build anew.
    pub until: Option<u64>,
}

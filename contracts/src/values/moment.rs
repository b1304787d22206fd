//! A point in time.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::InvalidValue;

/// A point in time to the millisecond, from 1970 to the year 9999. As text it is RFC 3339, such as `2026-11-26T22:13:17Z`;
/// any offset is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(i64);

impl Moment {
    /// Milliseconds since 1970.
    #[must_use]
    pub fn milliseconds(self) -> i64 {
        self.0
    }
}

impl TryFrom<String> for Moment {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let time = OffsetDateTime::parse(&text, &Rfc3339).ok();
        let milliseconds = time.and_then(|time| i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000)).ok());
        milliseconds
            .filter(|milliseconds| (0..=253_402_300_799_999).contains(milliseconds))
            .map(Self)
            .ok_or_else(|| InvalidValue::new("time", &text, "RFC 3339 from 1970 on, such as 2026-11-26T22:13:17Z"))
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000);
        let text = time.ok().and_then(|time| time.format(&Rfc3339).ok());
        f.write_str(&text.ok_or(fmt::Error)?)
    }
}

//! What the environment says.

use std::env;
use std::ops::RangeInclusive;

/// How many customers come, and how awkward they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Config {
    /// Checkouts per second: `ORDERS_PER_SECOND`, 0.01 to 1000, default 1.
    pub(crate) orders_per_second: f64,
    /// The share of customers whose order meets some trouble: `AWKWARD_SHARE`, 0 to 1, default 0.05.
    pub(crate) awkward_share: f64,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    ///
    /// When a variable cannot be understood: which one, what it says, what it should be.
    pub(crate) fn from_env() -> Result<Self, String> {
        let read = |name: &str, default, range| number(name, env::var(name).ok().as_deref(), default, range);
        Ok(Self {
            orders_per_second: read("ORDERS_PER_SECOND", 1.0, 0.01..=1000.0)?,
            awkward_share: read("AWKWARD_SHARE", 0.05, 0.0..=1.0)?,
        })
    }
}

fn number(name: &str, given: Option<&str>, default: f64, range: RangeInclusive<f64>) -> Result<f64, String> {
    let Some(given) = given.filter(|text| !text.is_empty()) else { return Ok(default) };
    // No range contains what is not a number.
    given.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
        let (least, most) = (range.start(), range.end());
        format!("{name} is {given:?}, which is not a number from {least} to {most}; for example {name}={default}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: RangeInclusive<f64> = 0.01..=1000.0;

    #[test]
    fn a_number_in_its_range_is_taken_and_an_absent_one_is_the_default() {
        assert_eq!(number("ORDERS_PER_SECOND", Some("250.5"), 1.0, RATE), Ok(250.5));
        assert_eq!(number("ORDERS_PER_SECOND", Some(""), 1.0, RATE), Ok(1.0));
        assert_eq!(number("ORDERS_PER_SECOND", None, 1.0, RATE), Ok(1.0));
    }

    #[test]
    fn anything_else_is_named_with_its_range() {
        for bad in ["fast", "0", "-1", "1001", "NaN", "inf", "1,5"] {
            let words = number("ORDERS_PER_SECOND", Some(bad), 1.0, RATE).unwrap_err();
            assert!(words.contains("ORDERS_PER_SECOND") && words.contains(bad) && words.contains("1000"), "{words}");
        }
    }
}

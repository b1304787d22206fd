//! Times as text, RFC 3339.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Milliseconds since 1970 as `2026-11-26T22:13:17.5Z`.
pub(crate) fn to_rfc3339(milliseconds: u64) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000);
    // Only years beyond 9999 have no such form.
    time.ok().and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_default()
}

/// The milliseconds since 1970 that such a text names, whatever its offset. `None` when it is none, or before 1970.
pub(crate) fn from_rfc3339(text: &str) -> Option<u64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    u64::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_is_read_whatever_its_offset_and_its_fraction() {
        for text in ["2018-04-05T17:31:00Z", "2018-04-05T19:31:00+02:00", "2018-04-05T17:31:00.000999-00:00"] {
            assert_eq!(from_rfc3339(text), Some(1_522_949_460_000), "{text}");
        }
        for text in
            ["", "yesterday", "2018-04-05", "2018-04-05T17:31:00", "2018-13-05T17:31:00Z", "1969-12-31T23:59:59Z"]
        {
            assert_eq!(from_rfc3339(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_is_read_as_it_was_written(milliseconds in 0..253_402_300_799_999_u64) {
            prop_assert_eq!(from_rfc3339(&to_rfc3339(milliseconds)), Some(milliseconds));
        }

        #[test]
        fn any_text_is_a_time_or_none(text in ".{0,40}") {
            let _either_is_fine = from_rfc3339(&text);
        }
    }
}

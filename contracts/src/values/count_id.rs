//! What names a count.

use super::text::checked_text;

checked_text!(
    /// Names a count among those of its scanner, such as `2026-11-26.17` or a UUID.
    CountId,
    "count id",
    "1 to 64 of a-z, A-Z, 0-9, dots, underscores and hyphens",
    |text| (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
);

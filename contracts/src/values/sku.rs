//! What names an article.

use super::text::checked_text;

checked_text!(
    /// An article number (stock keeping unit), such as `MUG-BLUE`.
    Sku,
    "article number",
    "1 to 40 of A-Z, 0-9 and hyphens, such as MUG-BLUE",
    |text| (1..=40).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
);

//! What stands for a card.

use super::text::checked_text;

checked_text!(
    /// A token that the payment provider gave for a card; the card's number never enters the shop.
    ///
    /// The simulated provider of this shop knows `tok_ok`, `tok_declined`, `tok_flaky` (fails twice, then
    /// takes the money), `tok_slow` (takes 2 s) and `tok_down` (never answers). Any other token is declined.
    CardToken,
    "card token",
    "`tok_` and 1 to 60 of a-z, 0-9 and _",
    |text| text.strip_prefix("tok_").is_some_and(|rest| {
        (1..=60).contains(&rest.len())
            && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    })
);

//! Who buys.

use serde::{Deserialize, Serialize};

use super::text::checked_text;

/// The person to whom the parcel and the mail go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// As it stands on the parcel.
    pub name: PersonName,
    /// Where the mail goes.
    pub email: EmailAddress,
}

checked_text!(
    /// The name of a person.
    PersonName,
    "name",
    "1 to 100 characters without control characters, not only blanks",
    |text| !text.trim().is_empty() && text.chars().count() <= 100 && !text.chars().any(char::is_control)
);

checked_text!(
    /// An address that mail can be sent to. Whether it exists only the mail server knows.
    EmailAddress,
    "e-mail address",
    "`someone@example.org`, ASCII, at most 254 characters, no blanks",
    |text| text.len() <= 254
        && text.bytes().all(|b| b.is_ascii_graphic() && !b"<>()[],;:\\\"".contains(&b))
        && text.split_once('@').is_some_and(|(local, domain)| {
            let dotted = |part: &str| !part.starts_with('.') && !part.ends_with('.') && !part.contains("..");
            (1..=64).contains(&local.len())
                && dotted(local)
                && domain.contains('.')
                && dotted(domain)
                && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
        })
);

//! The name of a message: its routing key and its `type` property.

use std::fmt;

/// The longest name, in bytes. AMQP allows 255 for a routing key; the rest is room for the
/// service and the delay that a retry puts before it.
const NAME_LIMIT: usize = 200;

/// Words that name the parts of a service's topology (`orders.events`, `orders.retry.1000`), so no
/// service, message owner or queue may be called so.
pub const RESERVED_WORDS: [&str; 11] =
    ["devices", "dlq", "dlx", "events", "live", "log", "redeliver", "replies", "reply", "requests", "retry"];

/// `<owner>.<message>` in kebab case, with `.v2`, `.v3`… appended for a breaking change.
///
/// The owner is the service that publishes the event or answers the request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageName(&'static str);

impl MessageName {
    /// Checks a name, at compile time when it is used in a constant.
    ///
    /// # Panics
    ///
    /// When the name is longer than 200 bytes, is not `owner.message` or `owner.message.vN` with N
    /// from 2, has a part that is not kebab case, or an owner that is one of [`RESERVED_WORDS`].
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        assert!(bytes.len() <= NAME_LIMIT, "a message's name has at most 200 bytes");
        let Some(dot) = position(bytes, b'.', 0) else {
            panic!("a message's name is `<owner>.<message>`, for example \"orders.order-placed\"")
        };
        let (owner, rest) = bytes.split_at(dot);
        let (_, rest) = rest.split_at(1);
        assert!(
            is_kebab(owner),
            "the owner in a message's name is kebab case: a-z, 0-9, single hyphens, a letter first"
        );
        assert!(
            !is_reserved(owner),
            "the owner in a message's name is a reserved word of the topology, such as `events` or `retry`"
        );
        let message = match position(rest, b'.', 0) {
            None => rest,
            Some(dot) => {
                let (message, version) = rest.split_at(dot);
                assert!(
                    is_version(version),
                    "after `<owner>.<message>` only `.v2`, `.v3`… may follow; version 1 has no suffix"
                );
                message
            }
        };
        assert!(
            is_kebab(message),
            "the message in a message's name is kebab case: a-z, 0-9, single hyphens, a letter first"
        );
        Self(name)
    }

    /// The whole name, as it stands on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// The service that owns the message.
    #[must_use]
    pub fn owner(self) -> &'static str {
        self.0.split('.').next().unwrap_or(self.0)
    }
}

impl fmt::Display for MessageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for MessageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Whether a word is kebab case: `a-z`, `0-9` and single hyphens, a letter first, no hyphen last.
#[must_use]
pub const fn is_kebab_case(word: &str) -> bool {
    is_kebab(word.as_bytes())
}

const fn is_kebab(word: &[u8]) -> bool {
    if word.is_empty() || !word[0].is_ascii_lowercase() || word[word.len() - 1] == b'-' {
        return false;
    }
    let mut i = 1;
    while i < word.len() {
        let plain = word[i].is_ascii_lowercase() || word[i].is_ascii_digit();
        let hyphen = word[i] == b'-' && word[i - 1] != b'-';
        if !plain && !hyphen {
            return false;
        }
        i += 1;
    }
    true
}

const fn is_reserved(word: &[u8]) -> bool {
    let mut i = 0;
    while i < RESERVED_WORDS.len() {
        if equal(word, RESERVED_WORDS[i].as_bytes()) {
            return true;
        }
        i += 1;
    }
    false
}

/// `.v2` and up: no leading zero, not version 1.
const fn is_version(suffix: &[u8]) -> bool {
    if suffix.len() < 3 || suffix[1] != b'v' || suffix[2] == b'0' || equal(suffix, b".v1") {
        return false;
    }
    let mut i = 2;
    while i < suffix.len() {
        if !suffix[i].is_ascii_digit() {
            return false;
        }
        i += 1;
    }
    true
}

const fn position(bytes: &[u8], wanted: u8, from: usize) -> Option<usize> {
    let mut i = from;
    while i < bytes.len() {
        if bytes[i] == wanted {
            return Some(i);
        }
        i += 1;
    }
    None
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepts(name: &'static str) -> bool {
        std::panic::catch_unwind(|| MessageName::new(name)).is_ok()
    }

    #[test]
    fn a_name_is_an_owner_and_a_message_in_kebab_case() {
        for good in ["orders.order-placed", "a.b", "orders.order-placed.v2", "o2.m-3.v10"] {
            assert!(accepts(good), "{good}");
        }
        for bad in [
            "",
            "orders",
            ".order",
            "orders.",
            "Orders.placed",
            "orders.Placed",
            "orders.order_placed",
            "orders.-x",
            "orders.x-",
            "orders.a--b",
            "orders.order placed",
            "orders.2nd",
            "orders.a.b",
            "orders.é",
        ] {
            assert!(!accepts(bad), "{bad}");
        }
    }

    /// The same rules in other words.
    fn is_name(name: &str) -> bool {
        let word = |word: &str| {
            let mut parts = word.split('-');
            let letter = word.starts_with(|first: char| first.is_ascii_lowercase());
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            letter && parts.all(|part| !part.is_empty() && part.chars().all(plain))
        };
        let version = |version: &str| {
            let digits = version.strip_prefix('v').unwrap_or_default();
            let number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
            number && !digits.starts_with('0') && digits != "1"
        };
        let parts: Vec<&str> = name.split('.').collect();
        let right = match parts[..] {
            [owner, message] => (owner, word(message)),
            [owner, message, last] => (owner, word(message) && version(last)),
            _ => return false,
        };
        name.len() <= NAME_LIMIT && word(right.0) && !RESERVED_WORDS.contains(&right.0) && right.1
    }

    proptest! {
        // Each name lives as long as the process.
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn any_text_is_a_name_or_refused(
            free in ".{0,30}", near in "(events|retry|[a-z0-9-]{1,4})\\.[a-z0-9-]{1,4}(\\.v?[0-9]{0,3})?",
            long in "[a-z]{1,120}\\.[a-z]{60,120}",
        ) {
            for name in [free, near, long] {
                let name: &'static str = Box::leak(name.into_boxed_str());
                prop_assert_eq!(accepts(name), is_name(name), "{}", name);
            }
        }
    }

    #[test]
    fn version_one_has_no_suffix_and_versions_have_no_leading_zero() {
        for bad in ["a.b.v1", "a.b.v0", "a.b.v02", "a.b.v", "a.b.2", "a.b.v2.v3"] {
            assert!(!accepts(bad), "{bad}");
        }
    }

    #[test]
    fn an_owner_may_not_be_a_word_of_the_topology() {
        for word in RESERVED_WORDS {
            let name: &'static str = Box::leak(format!("{word}.x").into_boxed_str());
            assert!(!accepts(name), "{name}");
        }
        assert!(accepts("retry-desk.x"));
    }

    #[test]
    fn a_name_has_at_most_200_bytes() {
        let fits: &'static str = Box::leak(format!("a.{}", "b".repeat(NAME_LIMIT - 2)).into_boxed_str());
        let too_long: &'static str = Box::leak(format!("a.{}", "b".repeat(NAME_LIMIT - 1)).into_boxed_str());
        assert!(accepts(fits) && !accepts(too_long));
    }

    #[test]
    fn the_owner_is_the_first_part() {
        assert_eq!(MessageName::new("orders.order-placed.v2").owner(), "orders");
    }
}

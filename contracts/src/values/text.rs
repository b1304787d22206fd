//! The one shape of every value that is a checked piece of text.

/// Why a value was refused: which kind of value, what it was given, and what it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidValue {
    /// What the value would have been, such as `article number`.
    pub kind: &'static str,
    /// What was given, cut at 60 characters.
    pub given: String,
    /// What a valid value looks like.
    pub rule: &'static str,
}

impl InvalidValue {
    pub(crate) fn new(kind: &'static str, given: &str, rule: &'static str) -> Self {
        let mut cut: String = given.chars().take(60).collect();
        if cut.len() < given.len() {
            cut.push('…');
        }
        Self { kind, given: cut, rule }
    }
}

impl std::fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} is not a valid {}: {}", self.given, self.kind, self.rule)
    }
}

impl std::error::Error for InvalidValue {}

/// Defines a newtype over `String` that is checked by `$valid` wherever it is made.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the text.
            ///
            /// # Errors
            ///
            #[doc = concat!("When it is not ", $rule, ".")]
            pub fn new(text: impl Into<String>) -> Result<Self, $crate::values::InvalidValue> {
                let text = text.into();
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) {
                    Ok(Self(text))
                } else {
                    Err($crate::values::InvalidValue::new($kind, &text, $rule))
                }
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::values::InvalidValue;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(crate) use checked_text;

//! Where in a log a subscription begins.

use lapin::types::{AMQPValue, FieldTable};

/// How a subscription to a log begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beginning {
    pub(crate) offset: Offset,
    /// Entries that the broker may have under way.
    pub(crate) prefetch: u16,
}

/// The entry with which a subscription to a log begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offset {
    /// The oldest that the log still has.
    First,
    /// The first of the last chunk: the broker writes entries that come together as one.
    Last,
    /// The next that is published.
    Next,
    /// This one, or the oldest after it.
    At(i64),
    /// The chunk of this moment, in seconds since 1970.
    Since(u64),
}

impl Offset {
    /// What the broker is told. Anything else that it does not understand costs the connection.
    pub(super) fn argument(self) -> FieldTable {
        let text = |word: &str| AMQPValue::LongString(word.into());
        let value = match self {
            Self::First => text("first"),
            Self::Last => text("last"),
            Self::Next => text("next"),
            // A number in a string is refused.
            Self::At(offset) => AMQPValue::LongLongInt(offset),
            Self::Since(seconds) => AMQPValue::Timestamp(seconds),
        };
        let mut arguments = FieldTable::default();
        arguments.insert("x-stream-offset".into(), value);
        arguments
    }
}

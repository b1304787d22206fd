//! Header values, as the wire has them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use lapin::types::{AMQPValue, FieldArray, FieldTable, ShortString};
use serde::{Deserialize, Serialize};

/// Headers by their names. Our own names are not copied for each message.
pub(crate) type Headers = BTreeMap<Cow<'static, str>, HeaderValue>;

/// A header's value. A foreign client may send any of these; we send text and whole numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum HeaderValue {
    Text(String),
    /// A long string that is not UTF-8, or a byte array.
    Bytes(Vec<u8>),
    Integer(i64),
    Boolean(bool),
    Double(f64),
    Timestamp(u64),
    List(Vec<HeaderValue>),
    Table(Headers),
    Nothing,
}

impl HeaderValue {
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number, however the sender wrote it: clients differ in the integer type they pick.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Timestamp(number) => i64::try_from(*number).ok(),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// About how many bytes it takes on the wire.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Text(text) => 5 + text.len(),
            Self::Bytes(bytes) => 5 + bytes.len(),
            Self::List(values) => 5 + values.iter().map(Self::weight).sum::<usize>(),
            Self::Table(values) => {
                5 + values.iter().map(|(name, value)| 1 + name.len() + value.weight()).sum::<usize>()
            }
            Self::Integer(_) | Self::Double(_) | Self::Timestamp(_) => 9,
            Self::Boolean(_) | Self::Nothing => 2,
        }
    }
}

impl From<&AMQPValue> for HeaderValue {
    fn from(value: &AMQPValue) -> Self {
        match value {
            AMQPValue::Boolean(boolean) => Self::Boolean(*boolean),
            AMQPValue::ShortShortInt(number) => Self::Integer(i64::from(*number)),
            AMQPValue::ShortShortUInt(number) => Self::Integer(i64::from(*number)),
            AMQPValue::ShortInt(number) => Self::Integer(i64::from(*number)),
            AMQPValue::ShortUInt(number) => Self::Integer(i64::from(*number)),
            AMQPValue::LongInt(number) => Self::Integer(i64::from(*number)),
            AMQPValue::LongUInt(number) => Self::Integer(i64::from(*number)),
            AMQPValue::LongLongInt(number) => Self::Integer(*number),
            AMQPValue::Float(number) => Self::Double(f64::from(*number)),
            AMQPValue::Double(number) => Self::Double(*number),
            // A stream refuses decimals with an error that closes the connection, so none is ever sent on.
            AMQPValue::DecimalValue(decimal) => Self::Text(format!("{}e-{}", decimal.value, decimal.scale)),
            AMQPValue::ShortString(text) => Self::Text(text.as_str().to_owned()),
            AMQPValue::LongString(text) => String::from_utf8(text.as_bytes().to_vec())
                .map_or_else(|error| Self::Bytes(error.into_bytes()), Self::Text),
            AMQPValue::ByteArray(bytes) => Self::Bytes(bytes.as_slice().to_vec()),
            AMQPValue::FieldArray(array) => Self::List(array.as_slice().iter().map(Self::from).collect()),
            AMQPValue::Timestamp(seconds) => Self::Timestamp(*seconds),
            AMQPValue::FieldTable(table) => Self::Table(from_table(table)),
            AMQPValue::Void => Self::Nothing,
        }
    }
}

impl From<&HeaderValue> for AMQPValue {
    fn from(value: &HeaderValue) -> Self {
        match value {
            // Never a short string: the broker closes the connection over one in a header.
            HeaderValue::Text(text) => Self::LongString(text.as_str().into()),
            HeaderValue::Bytes(bytes) => Self::LongString(bytes.as_slice().into()),
            HeaderValue::Integer(number) => Self::LongLongInt(*number),
            HeaderValue::Boolean(boolean) => Self::Boolean(*boolean),
            // The broker closes the connection over one that is not finite.
            HeaderValue::Double(number) if number.is_finite() => Self::Double(*number),
            HeaderValue::Double(number) => Self::LongString(number.to_string().into()),
            HeaderValue::Timestamp(seconds) => Self::Timestamp(*seconds),
            HeaderValue::List(values) => {
                Self::FieldArray(FieldArray::from(values.iter().map(Self::from).collect::<Vec<_>>()))
            }
            HeaderValue::Table(values) => Self::FieldTable(to_table(values)),
            HeaderValue::Nothing => Self::Void,
        }
    }
}

pub(crate) fn from_table(table: &FieldTable) -> Headers {
    table.inner().iter().map(|(key, value)| (key.as_str().to_owned().into(), HeaderValue::from(value))).collect()
}

/// A name that is too long for the wire is left out; ours never are, and a received one cannot be.
pub(crate) fn to_table(headers: &Headers) -> FieldTable {
    let mut table = FieldTable::default();
    for (key, value) in headers {
        if let Ok(key) = ShortString::try_new(key.as_ref()) {
            table.insert(key, value.into());
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use lapin::types::{DecimalValue, LongString};
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = AMQPValue> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(AMQPValue::Boolean),
            any::<i8>().prop_map(AMQPValue::ShortShortInt),
            any::<u8>().prop_map(AMQPValue::ShortShortUInt),
            any::<i16>().prop_map(AMQPValue::ShortInt),
            any::<u16>().prop_map(AMQPValue::ShortUInt),
            any::<i32>().prop_map(AMQPValue::LongInt),
            any::<u32>().prop_map(AMQPValue::LongUInt),
            any::<i64>().prop_map(AMQPValue::LongLongInt),
            any::<f32>().prop_map(AMQPValue::Float),
            any::<f64>().prop_map(AMQPValue::Double),
            any::<(u8, u32)>().prop_map(|(scale, value)| AMQPValue::DecimalValue(DecimalValue { scale, value })),
            "[a-zé]{0,60}".prop_map(|text| AMQPValue::ShortString(text.into())),
            vec(any::<u8>(), 0..60).prop_map(|bytes| AMQPValue::LongString(LongString::from(bytes))),
            vec(any::<u8>(), 0..60).prop_map(|bytes| AMQPValue::ByteArray(bytes.into())),
            any::<u64>().prop_map(AMQPValue::Timestamp),
            Just(AMQPValue::Void),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..6).prop_map(|values| AMQPValue::FieldArray(values.into())),
                vec(("[a-zé]{0,60}", inner), 0..6).prop_map(|entries| {
                    let mut table = FieldTable::default();
                    for (name, value) in entries {
                        table.insert(name.into(), value);
                    }
                    AMQPValue::FieldTable(table)
                }),
            ]
        })
    }

    /// What a broker refuses with the connection, or the client cannot write.
    fn is_harmless(value: &AMQPValue) -> bool {
        match value {
            AMQPValue::ShortString(_) | AMQPValue::DecimalValue(_) => false,
            AMQPValue::Double(number) => number.is_finite(),
            AMQPValue::Float(number) => number.is_finite(),
            AMQPValue::FieldArray(values) => values.as_slice().iter().all(is_harmless),
            AMQPValue::FieldTable(table) => table.inner().values().all(is_harmless),
            _ => true,
        }
    }

    proptest! {
        #[test]
        fn every_value_can_be_read_and_what_is_sent_on_is_harmless_and_reads_the_same(value in value()) {
            let read = HeaderValue::from(&value);
            let _shown = (read.as_text().map(str::len), read.as_integer(), read.weight());
            let sent = AMQPValue::from(&read);
            prop_assert!(is_harmless(&sent), "{:?}", sent);
            // A number that is none has become text by now.
            prop_assert_eq!(&AMQPValue::from(&HeaderValue::from(&sent)), &sent);
        }
    }
}

//! Properties that came with a message.

use std::sync::OnceLock;

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};

use super::{HeaderValue, Headers, Properties};

/// [`Properties`] as the client has read them. Most of a message is asked for little, and that is read where it stands: to copy
/// every text would cost more than to handle many a message.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    wire: Option<Box<BasicProperties>>,
    /// Boxed, as it is rarely there and the larger half.
    whole: OnceLock<Box<Properties>>,
}

impl Arrived {
    pub(super) fn of(wire: BasicProperties) -> Self {
        Self { wire: Some(Box::new(wire)), whole: OnceLock::new() }
    }

    /// All of them in our own types, and in both forms from now on.
    pub(crate) fn whole(&self) -> &Properties {
        self.whole.get_or_init(|| Box::new(self.wire.as_deref().map(Properties::from).unwrap_or_default()))
    }

    /// A copy of them in our own types.
    pub(crate) fn copied(&self) -> Properties {
        self.wire.as_deref().map_or_else(|| self.whole().clone(), Properties::from)
    }

    pub(crate) fn message_id(&self) -> Option<&str> {
        self.property(|whole| &whole.message_id, BasicProperties::message_id)
    }

    pub(crate) fn kind(&self) -> Option<&str> {
        self.property(|whole| &whole.kind, BasicProperties::kind)
    }

    pub(crate) fn app_id(&self) -> Option<&str> {
        self.property(|whole| &whole.app_id, BasicProperties::app_id)
    }

    pub(crate) fn correlation_id(&self) -> Option<&str> {
        self.property(|whole| &whole.correlation_id, BasicProperties::correlation_id)
    }

    pub(crate) fn reply_to(&self) -> Option<&str> {
        self.property(|whole| &whole.reply_to, BasicProperties::reply_to)
    }

    pub(crate) fn content_type(&self) -> Option<&str> {
        self.property(|whole| &whole.content_type, BasicProperties::content_type)
    }

    /// Seconds since 1970.
    pub(crate) fn timestamp(&self) -> Option<u64> {
        self.wire.as_ref().map_or_else(|| self.whole().timestamp, |wire| *wire.timestamp())
    }

    /// Every text that is no header's, with its name.
    pub(super) fn texts(&self) -> [(&'static str, Option<&str>); 8] {
        [
            ("message_id", self.message_id()),
            ("type", self.kind()),
            ("app_id", self.app_id()),
            ("correlation_id", self.correlation_id()),
            ("reply_to", self.reply_to()),
            ("content_type", self.content_type()),
            ("content_encoding", self.property(|whole| &whole.content_encoding, BasicProperties::content_encoding)),
            ("expiration", self.property(|whole| &whole.expiration, BasicProperties::expiration)),
        ]
    }

    /// Whether there is a header of this name.
    pub(crate) fn has(&self, header: &str) -> bool {
        match self.headers() {
            Ok(table) => table.is_some_and(|table| table.contains_key(header)),
            Err(headers) => headers.contains_key(header),
        }
    }

    /// A header that is text, or is sent on as such.
    pub(crate) fn text(&self, header: &str) -> Option<&str> {
        match self.headers() {
            Ok(table) => match table?.inner().get(header)? {
                AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok(),
                AMQPValue::ShortString(text) => Some(text.as_str()),
                AMQPValue::DecimalValue(_) => self.whole().text(header),
                _ => None,
            },
            Err(headers) => headers.get(header)?.as_text(),
        }
    }

    /// A header that is a whole number.
    pub(crate) fn integer(&self, header: &str) -> Option<i64> {
        match self.headers() {
            Ok(table) => HeaderValue::from(table?.inner().get(header)?).as_integer(),
            Err(headers) => headers.get(header)?.as_integer(),
        }
    }

    /// Whether the name of any header is such, also within another header's value.
    pub(super) fn any_name(&self, is: &impl Fn(&str) -> bool) -> bool {
        match self.headers() {
            Ok(table) => table.is_some_and(|table| in_table(table, is)),
            Err(headers) => in_headers(headers, is),
        }
    }

    fn property(
        &self,
        whole: fn(&Properties) -> &Option<String>,
        wire: fn(&BasicProperties) -> &Option<ShortString>,
    ) -> Option<&str> {
        match &self.wire {
            Some(properties) => wire(properties).as_ref().map(ShortString::as_str),
            None => whole(self.whole()).as_deref(),
        }
    }

    /// As they came, or else in our own types.
    fn headers(&self) -> Result<Option<&FieldTable>, &Headers> {
        self.wire.as_ref().map_or_else(|| Err(&self.whole().headers), |wire| Ok(wire.headers().as_ref()))
    }
}

fn in_table(table: &FieldTable, is: &impl Fn(&str) -> bool) -> bool {
    fn in_value(value: &AMQPValue, is: &impl Fn(&str) -> bool) -> bool {
        match value {
            AMQPValue::FieldTable(table) => in_table(table, is),
            AMQPValue::FieldArray(values) => values.as_slice().iter().any(|value| in_value(value, is)),
            _ => false,
        }
    }
    table.inner().iter().any(|(name, value)| is(name.as_str()) || in_value(value, is))
}

fn in_headers(headers: &Headers, is: &impl Fn(&str) -> bool) -> bool {
    fn in_value(value: &HeaderValue, is: &impl Fn(&str) -> bool) -> bool {
        match value {
            HeaderValue::Table(headers) => in_headers(headers, is),
            HeaderValue::List(values) => values.iter().any(|value| in_value(value, is)),
            _ => false,
        }
    }
    headers.iter().any(|(name, value)| is(name) || in_value(value, is))
}

impl From<Properties> for Arrived {
    fn from(properties: Properties) -> Self {
        Self { wire: None, whole: Box::new(properties).into() }
    }
}

impl From<Arrived> for Properties {
    fn from(Arrived { wire, whole }: Arrived) -> Self {
        whole.into_inner().map_or_else(|| wire.as_deref().map(Self::from).unwrap_or_default(), |whole| *whole)
    }
}

#[cfg(test)]
mod tests {
    use lapin::types::{DecimalValue, FieldArray, LongString};

    use super::*;

    fn table<const N: usize>(headers: [(&str, AMQPValue); N]) -> FieldTable {
        let mut table = FieldTable::default();
        for (name, value) in headers {
            table.insert(name.into(), value);
        }
        table
    }

    fn wire() -> BasicProperties {
        let text = |bytes: &[u8]| AMQPValue::LongString(LongString::from(bytes));
        let inner = AMQPValue::FieldTable(table([("inner", AMQPValue::Void)]));
        let headers = table([
            ("text", text(b"a text")),
            ("number", text(b"-5")),
            ("bytes", text(&[0xff])),
            ("short", AMQPValue::ShortString("a short one".into())),
            ("decimal", AMQPValue::DecimalValue(DecimalValue { scale: 1, value: 25 })),
            ("integer", AMQPValue::ShortUInt(7)),
            ("timestamp", AMQPValue::Timestamp(8)),
            ("boolean", AMQPValue::Boolean(true)),
            ("nested", AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::Void, inner]))),
        ]);
        let names = ["message_id", "type", "app_id", "correlation_id", "reply_to", "content_type", "content_encoding"];
        let [id, kind, app, correlation, address, content, encoding] = names.map(ShortString::from);
        BasicProperties::default()
            .with_message_id(id)
            .with_type(kind)
            .with_app_id(app)
            .with_correlation_id(correlation)
            .with_reply_to(address)
            .with_content_type(content)
            .with_content_encoding(encoding)
            .with_expiration("expiration".into())
            .with_timestamp(9)
            .with_headers(headers)
    }

    #[test]
    fn properties_say_the_same_in_either_form() {
        let arrived = Arrived::of(wire());
        let read = Arrived::from(Properties::from(&wire()));
        for properties in [&arrived, &read] {
            for (name, text) in properties.texts() {
                assert_eq!(text, Some(name));
            }
            assert_eq!(properties.timestamp(), Some(9));
            let texts = ["text", "number", "bytes", "short", "decimal", "integer", "absent"];
            let texts = texts.map(|name| properties.text(name));
            assert_eq!(texts, [Some("a text"), Some("-5"), None, Some("a short one"), Some("25e-1"), None, None]);
            let integers = ["number", "integer", "timestamp", "text", "boolean", "absent"];
            let integers = integers.map(|name| properties.integer(name));
            assert_eq!(integers, [Some(-5), Some(7), Some(8), None, None, None]);
            assert_eq!(["bytes", "inner"].map(|name| properties.has(name)), [true, false]);
            assert_eq!(
                ["bytes", "inner", "a text"].map(|name| properties.any_name(&|it| it == name)),
                [true, true, false]
            );
        }
        assert_eq!(arrived.copied(), read.copied());
        assert_eq!(Properties::from(arrived), Properties::from(read));
    }

    #[test]
    fn a_message_without_any_says_nothing() {
        for properties in [Arrived::of(BasicProperties::default()), Arrived::from(Properties::default())] {
            assert!(properties.texts().into_iter().all(|(_, text)| text.is_none()));
            assert_eq!((properties.timestamp(), properties.text("a"), properties.integer("a")), (None, None, None));
            assert!(!properties.has("a") && !properties.any_name(&|_| true));
            assert_eq!(*properties.whole(), Properties::default());
        }
    }
}

//! Properties that came with a message.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};

use super::{HeaderValue, Properties};

/// [`Properties`] as the client has read them. Most of a message is asked for little, and that is read where it stands: to copy
/// every text would cost more than to handle many a message.
#[derive(Debug, Clone)]
pub(crate) struct Arrived(Box<BasicProperties>);

impl Arrived {
    pub(super) fn of(wire: BasicProperties) -> Self {
        Self(Box::new(wire))
    }

    pub(crate) fn message_id(&self) -> Option<&str> {
        text(self.0.message_id())
    }

    pub(crate) fn kind(&self) -> Option<&str> {
        text(self.0.kind())
    }

    pub(crate) fn app_id(&self) -> Option<&str> {
        text(self.0.app_id())
    }

    pub(crate) fn correlation_id(&self) -> Option<&str> {
        text(self.0.correlation_id())
    }

    pub(crate) fn reply_to(&self) -> Option<&str> {
        text(self.0.reply_to())
    }

    pub(crate) fn content_type(&self) -> Option<&str> {
        text(self.0.content_type())
    }

    /// Seconds since 1970.
    pub(crate) fn timestamp(&self) -> Option<u64> {
        *self.0.timestamp()
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
            ("content_encoding", text(self.0.content_encoding())),
            ("expiration", text(self.0.expiration())),
        ]
    }

    pub(super) fn headers(&self) -> Option<&FieldTable> {
        self.0.headers().as_ref()
    }

    pub(crate) fn header(&self, name: &str) -> Option<HeaderValue> {
        self.value(name).map(HeaderValue::from)
    }

    /// A header that is text.
    pub(crate) fn text(&self, header: &str) -> Option<&str> {
        match self.value(header)? {
            AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok(),
            AMQPValue::ShortString(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// A header that is a whole number.
    pub(crate) fn integer(&self, header: &str) -> Option<i64> {
        self.header(header)?.as_integer()
    }

    fn value(&self, header: &str) -> Option<&AMQPValue> {
        self.headers()?.inner().get(header)
    }
}

fn text(property: &Option<ShortString>) -> Option<&str> {
    property.as_ref().map(ShortString::as_str)
}

impl From<&Properties> for Arrived {
    fn from(properties: &Properties) -> Self {
        Self::of(properties.into())
    }
}

impl From<Properties> for Arrived {
    fn from(properties: Properties) -> Self {
        Self::from(&properties)
    }
}

impl From<&Arrived> for Properties {
    fn from(arrived: &Arrived) -> Self {
        Self::from(&*arrived.0)
    }
}

#[cfg(test)]
mod tests {
    use lapin::types::{DecimalValue, LongString};

    use super::*;

    #[test]
    fn a_property_is_none_or_what_was_sent() {
        let names = ["message_id", "type", "app_id", "correlation_id", "reply_to", "content_type", "content_encoding"];
        let [id, kind, app, correlation, address, content, encoding] = names.map(ShortString::from);
        let arrived = Arrived::of(
            BasicProperties::default()
                .with_message_id(id)
                .with_type(kind)
                .with_app_id(app)
                .with_correlation_id(correlation)
                .with_reply_to(address)
                .with_content_type(content)
                .with_content_encoding(encoding)
                .with_expiration("expiration".into())
                .with_timestamp(9),
        );
        for (name, text) in arrived.texts() {
            assert_eq!(text, Some(name));
        }
        assert_eq!(arrived.timestamp(), Some(9));
        let bare = Arrived::of(BasicProperties::default());
        assert!(bare.texts().into_iter().all(|(_, text)| text.is_none()));
        assert_eq!((bare.timestamp(), bare.header("a"), bare.text("a"), bare.integer("a")), (None, None, None, None));
    }

    #[test]
    fn a_header_is_text_or_a_number_however_its_sender_wrote_it() {
        let text = |bytes: &[u8]| AMQPValue::LongString(LongString::from(bytes));
        let mut headers = FieldTable::default();
        for (name, value) in [
            ("text", text(b"a text")),
            ("number", text(b"-5")),
            ("bytes", text(&[0xff])),
            ("short", AMQPValue::ShortString("a short one".into())),
            ("decimal", AMQPValue::DecimalValue(DecimalValue { scale: 1, value: 25 })),
            ("integer", AMQPValue::ShortUInt(7)),
            ("timestamp", AMQPValue::Timestamp(8)),
        ] {
            headers.insert(name.into(), value);
        }
        let arrived = Arrived::of(BasicProperties::default().with_headers(headers));
        let texts = ["text", "number", "bytes", "short", "decimal", "integer", "absent"];
        let texts = texts.map(|name| arrived.text(name));
        assert_eq!(texts, [Some("a text"), Some("-5"), None, Some("a short one"), None, None, None]);
        let integers = ["number", "integer", "timestamp", "text", "decimal", "absent"];
        let integers = integers.map(|name| arrived.integer(name));
        assert_eq!(integers, [Some(-5), Some(7), Some(8), None, None, None]);
        assert_eq!(arrived.header("bytes"), Some(HeaderValue::Bytes(vec![0xff])));
    }
}

//! Properties that came with a message.

use std::ops::Deref;
use std::sync::OnceLock;

use lapin::BasicProperties;
use lapin::types::ShortString;

use super::Properties;

/// [`Properties`], of which a reply's stay as the client has read them until somebody asks for more than it is matched by.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    wire: Option<Box<BasicProperties>>,
    read: OnceLock<Properties>,
}

impl Arrived {
    /// Those of a reply.
    pub(super) fn of_reply(wire: BasicProperties) -> Self {
        Self { wire: Some(Box::new(wire)), read: OnceLock::new() }
    }

    /// What a reply is matched by.
    pub(crate) fn correlation_id(&self) -> Option<&str> {
        self.text(|read| &read.correlation_id, BasicProperties::correlation_id)
    }

    /// What a reply's body is read by.
    pub(crate) fn content_type(&self) -> Option<&str> {
        self.text(|read| &read.content_type, BasicProperties::content_type)
    }

    fn text(
        &self,
        read: fn(&Properties) -> &Option<String>,
        wire: fn(&BasicProperties) -> &Option<ShortString>,
    ) -> Option<&str> {
        match (self.read.get(), &self.wire) {
            (None, Some(unread)) => wire(unread).as_ref().map(ShortString::as_str),
            _ => read(self).as_deref(),
        }
    }
}

impl From<Properties> for Arrived {
    fn from(properties: Properties) -> Self {
        Self { wire: None, read: properties.into() }
    }
}

impl From<Arrived> for Properties {
    fn from(Arrived { wire, read }: Arrived) -> Self {
        read.into_inner().unwrap_or_else(|| wire.as_deref().map(Self::from).unwrap_or_default())
    }
}

impl Deref for Arrived {
    type Target = Properties;

    fn deref(&self) -> &Properties {
        self.read.get_or_init(|| self.wire.as_deref().map(Properties::from).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use lapin::types::FieldTable;

    use super::*;

    #[test]
    fn a_reply_says_the_same_before_and_after_all_of_it_is_read() {
        let mut headers = FieldTable::default();
        headers.insert("garenne-reply-count".into(), 2.into());
        let wire = BasicProperties::default()
            .with_correlation_id("c-1".into())
            .with_content_type("application/json".into())
            .with_headers(headers);
        let reply = Arrived::of_reply(wire.clone());
        let matched = || (reply.correlation_id(), reply.content_type());
        assert_eq!(matched(), (Some("c-1"), Some("application/json")));
        assert_eq!(reply.integer("garenne-reply-count"), Some(2));
        assert_eq!(matched(), (Some("c-1"), Some("application/json")));
        let expected = Properties::from(&wire);
        assert_eq!(*Arrived::from(expected.clone()), expected);
        assert_eq!(Arrived::from(expected.clone()).correlation_id(), Some("c-1"));
        assert_eq!(Properties::from(Arrived::of_reply(wire)), expected);
        assert_eq!(Properties::from(reply), expected);
    }
}

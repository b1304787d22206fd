//! Properties that came with a message.

use std::ops::Deref;
use std::sync::OnceLock;

use lapin::BasicProperties;
use lapin::types::ShortString;

use super::Properties;

/// [`Properties`] that stay as the client has read them until somebody asks for all: of a reply nobody does.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    wire: BasicProperties,
    read: OnceLock<Box<Properties>>,
}

impl Arrived {
    /// What a reply is matched by.
    pub(crate) fn correlation_id(&self) -> Option<&str> {
        self.text(|read| &read.correlation_id, |wire| wire.correlation_id())
    }

    pub(crate) fn content_type(&self) -> Option<&str> {
        self.text(|read| &read.content_type, |wire| wire.content_type())
    }

    fn text(
        &self,
        read: fn(&Properties) -> &Option<String>,
        wire: fn(&BasicProperties) -> &Option<ShortString>,
    ) -> Option<&str> {
        match self.read.get() {
            Some(properties) => read(properties).as_deref(),
            None => wire(&self.wire).as_ref().map(ShortString::as_str),
        }
    }
}

impl From<BasicProperties> for Arrived {
    fn from(wire: BasicProperties) -> Self {
        Self { wire, read: OnceLock::new() }
    }
}

impl From<Properties> for Arrived {
    fn from(properties: Properties) -> Self {
        Self { wire: BasicProperties::default(), read: Box::new(properties).into() }
    }
}

impl From<Arrived> for Properties {
    fn from(arrived: Arrived) -> Self {
        let Arrived { wire, read } = arrived;
        read.into_inner().map_or_else(|| Self::from(&wire), |read| *read)
    }
}

impl Deref for Arrived {
    type Target = Properties;

    fn deref(&self) -> &Properties {
        self.read.get_or_init(|| Box::new(Properties::from(&self.wire)))
    }
}

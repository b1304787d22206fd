//! Exchanges.

/// A durable exchange.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Exchange {
    pub(crate) name: String,
    pub(crate) kind: ExchangeKind,
    /// Where messages go that no binding takes.
    pub(crate) alternate: Option<String>,
}

/// How an exchange routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ExchangeKind {
    Direct,
    Fanout,
    Topic,
}

impl ExchangeKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Fanout => "fanout",
            Self::Topic => "topic",
        }
    }
}

impl Exchange {
    pub(crate) fn new(name: String, kind: ExchangeKind) -> Self {
        Self { name, kind, alternate: None }
    }

    pub(crate) fn with_alternate(self, exchange: String) -> Self {
        Self { alternate: Some(exchange), ..self }
    }
}

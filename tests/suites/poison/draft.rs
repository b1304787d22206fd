//! A message in the making, and what shall become of it.

use tests::Sent;
use tests::frame::{long_string, short_string};

/// Bits of the properties among the flags.
pub(super) const CONTENT_TYPE: u8 = 15;
pub(super) const HEADERS: u8 = 13;
pub(super) const DELIVERY_MODE: u8 = 12;
pub(super) const PRIORITY: u8 = 11;
pub(super) const CORRELATION_ID: u8 = 10;
pub(super) const REPLY_TO: u8 = 9;
pub(super) const EXPIRATION: u8 = 8;
pub(super) const MESSAGE_ID: u8 = 7;
pub(super) const TIMESTAMP: u8 = 6;
pub(super) const TYPE: u8 = 5;
pub(super) const USER_ID: u8 = 4;
/// Every property that is a short string, without `user_id`, which the broker checks.
pub(super) const SHORT_STRINGS: [u8; 9] =
    [CONTENT_TYPE, 14, CORRELATION_ID, REPLY_TO, EXPIRATION, MESSAGE_ID, TYPE, 3, 2];

/// What shall become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// Its handler succeeds.
    Handled,
    /// It is a dead letter for this reason, the library's or the broker's.
    Dead(&'static str),
    /// Either of the two; which one is a matter of time.
    HandledOrDead(&'static str),
    /// The request is answered, with a value or a problem.
    Answered,
    /// The request is answered to nobody.
    Unheard,
    /// The broker does not take it.
    Refused,
}

/// A message in the making. It begins as a valid event.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) number: u32,
    pub(super) exchange: &'static str,
    pub(super) key: Vec<u8>,
    pub(super) body: Vec<u8>,
    pub(super) expected: Expected,
    /// Whether the broker may close channel or connection over it.
    pub(super) refusable: bool,
    properties: std::collections::BTreeMap<u8, Vec<u8>>,
    headers: Vec<u8>,
}

impl Draft {
    pub(super) fn event(number: u32) -> Self {
        let mut draft = Self {
            number,
            exchange: "desk.events",
            key: b"desk.ticket-filed".to_vec(),
            body: format!("{{\"number\":{number}}}").into_bytes(),
            expected: Expected::Handled,
            refusable: false,
            properties: std::collections::BTreeMap::new(),
            headers: Vec::new(),
        };
        draft.text(MESSAGE_ID, &draft.id());
        // A second mark, should the id be what is malformed.
        draft.header(b"poison", b'l', &u64::from(number).to_be_bytes());
        draft
    }

    /// What it is recognised by.
    pub(super) fn id(&self) -> Vec<u8> {
        format!("p-{}", self.number).into_bytes()
    }

    /// Sets a property to bytes as they stand on the wire.
    pub(super) fn property(&mut self, bit: u8, bytes: &[u8]) {
        self.properties.insert(bit, bytes.to_vec());
    }

    /// Sets a property that is a short string.
    pub(super) fn text(&mut self, bit: u8, text: &[u8]) {
        let mut bytes = Vec::new();
        short_string(&mut bytes, text);
        self.property(bit, &bytes);
    }

    /// Adds a header with bytes as they stand on the wire.
    pub(super) fn header(&mut self, name: &[u8], kind: u8, bytes: &[u8]) {
        short_string(&mut self.headers, name);
        self.headers.push(kind);
        self.headers.extend(bytes);
    }

    /// Adds a header that is a long string, or a table or array.
    pub(super) fn long_header(&mut self, name: &[u8], kind: u8, content: &[u8]) {
        let mut bytes = Vec::new();
        long_string(&mut bytes, content);
        self.header(name, kind, &bytes);
    }

    /// How large the headers are, in bytes.
    pub(super) fn weight(&self) -> usize {
        self.headers.len()
    }

    pub(super) fn sent(&self) -> Sent {
        let mut properties = self.properties.clone();
        let mut table = Vec::new();
        long_string(&mut table, &self.headers);
        // A test may have put something else there.
        properties.entry(HEADERS).or_insert(table);
        let flags = properties.keys().fold(0_u16, |flags, bit| flags | 1 << bit);
        let mut bytes = flags.to_be_bytes().to_vec();
        properties.values().rev().for_each(|value| bytes.extend(value));
        Sent {
            exchange: self.exchange.as_bytes().to_vec(),
            key: self.key.clone(),
            properties: bytes,
            body: self.body.clone(),
        }
    }
}

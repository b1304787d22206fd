//! Frames and fields of AMQP 0-9-1, as bytes.

/// A frame.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// Takes a frame from what was received, once it is whole.
    pub(crate) fn cut_off(received: &mut Vec<u8>) -> Option<Self> {
        let size = u32::from_be_bytes(received.get(3..7)?.try_into().ok()?);
        let size = usize::try_from(size).ok()?;
        let payload = received.get(7..7 + size)?.to_vec();
        let kind = *received.first()?;
        received.get(7 + size)?;
        received.drain(..size + 8);
        Some(Self { kind, payload })
    }

    /// Class and method, if it is one.
    pub(crate) fn method(&self) -> (u16, u16) {
        let mut reader = Reader::new(&self.payload);
        (reader.u16().unwrap_or_default(), reader.u16().unwrap_or_default())
    }
}

/// The bytes of a frame.
pub(crate) fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(channel.to_be_bytes());
    long_string(&mut bytes, payload);
    bytes.push(0xCE);
    bytes
}

/// The bytes of a method's frame.
pub(crate) fn method(channel: u16, (class, method): (u16, u16), arguments: &[u8]) -> Vec<u8> {
    let mut payload = class.to_be_bytes().to_vec();
    payload.extend(method.to_be_bytes());
    payload.extend(arguments);
    frame(1, channel, &payload)
}

/// Writes a short string.
///
/// # Panics
///
/// When it has more than 255 bytes.
pub fn short_string(to: &mut Vec<u8>, text: &[u8]) {
    to.push(u8::try_from(text.len()).expect("at most 255 bytes"));
    to.extend(text);
}

/// Writes bytes with their length before them: a long string, a table or an array.
///
/// # Panics
///
/// When there are more than 4 GiB.
pub fn long_string(to: &mut Vec<u8>, text: &[u8]) {
    to.extend(u32::try_from(text.len()).expect("at most 4 GiB").to_be_bytes());
    to.extend(text);
}

/// Reads field after field.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Begins at the first byte.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    /// So many bytes.
    pub fn part(&mut self, count: usize) -> Option<&'a [u8]> {
        let (part, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(part)
    }

    /// Leaves so many bytes out.
    pub fn skip(&mut self, count: usize) {
        self.part(count);
    }

    /// An octet.
    pub fn u8(&mut self) -> Option<u8> {
        self.part(1).map(|bytes| bytes[0])
    }

    /// Two octets.
    pub fn u16(&mut self) -> Option<u16> {
        self.part(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    /// Eight octets.
    pub fn u64(&mut self) -> Option<u64> {
        self.part(8)?.try_into().ok().map(u64::from_be_bytes)
    }

    /// A short string.
    pub fn short_string(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.part(usize::from(length))
    }

    /// A long string, a table or an array.
    pub fn long_string(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_be_bytes(self.part(4)?.try_into().ok()?);
        self.part(usize::try_from(length).ok()?)
    }

    /// A header's value: its type and its bytes, those of a string, table or array without the length.
    pub fn value(&mut self) -> Option<(u8, &'a [u8])> {
        let kind = self.u8()?;
        let bytes = match kind {
            b'V' => &[],
            b't' | b'b' | b'B' => self.part(1)?,
            b's' | b'U' | b'u' => self.part(2)?,
            b'I' | b'i' | b'f' => self.part(4)?,
            b'D' => self.part(5)?,
            b'l' | b'L' | b'd' | b'T' => self.part(8)?,
            _ => self.long_string()?,
        };
        Some((kind, bytes))
    }
}

//! Makes readable what the AMQP client cannot read. Pure: bytes in, as many bytes out.
//!
//! Anybody may send a short string that is no UTF-8, over which the client gives its connection up, again with every
//! redelivery; and tables in tables in tables, over which it overflows the stack of its thread and the process is dead.
//! The broker passes both on as they are. So the frames of a consuming connection are looked through before the client
//! sees them, and changed in place, which keeps every length.

use std::ops::Range;

use super::farewell::Farewell;

/// What stands for a byte of a short string that is no UTF-8: the control character for exactly this.
pub(super) const SUBSTITUTE: char = '\u{1a}';
/// The header in which a broker says where an entry of a log stands. 3.10 keeps one of the sender's beside its own, so that nobody
/// can tell which is which: of two, none is given to the client.
const STREAM_OFFSET: &[u8] = b"x-stream-offset";
/// Tables and arrays that stand deeper than this are given to the client as long strings, which have the same layout.
const DEPTH_LIMIT: u8 = 16;

/// Type, channel, and size of the payload.
const FRAME_HEADER: usize = 7;
const FRAME_END: usize = 1;
const METHOD: u8 = 1;
const CONTENT_HEADER: u8 = 2;
/// No broker is configured for such frames, and the client refuses what is larger than agreed.
const FRAME_LIMIT: usize = 4 * 1024 * 1024;

/// A stream of frames on its way to the client.
#[derive(Debug, Default)]
pub(super) struct Screen {
    farewell: Farewell,
    bytes: Vec<u8>,
    /// Up to here the client has them.
    taken: usize,
    /// Up to here the client may have them.
    checked: usize,
    /// So many bytes to come need no check.
    unchecked: usize,
}

impl Screen {
    pub(super) fn new(farewell: Farewell) -> Self {
        Self { farewell, ..Self::default() }
    }

    /// Takes what came from the broker.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if self.taken > 0 {
            self.bytes.drain(..self.taken);
            self.checked -= self.taken;
            self.taken = 0;
        }
        self.bytes.extend_from_slice(bytes);
        self.check();
    }

    /// Gives what the client may have.
    pub(super) fn take(&mut self, to: &mut [u8]) -> usize {
        let count = to.len().min(self.checked - self.taken);
        to[..count].copy_from_slice(&self.bytes[self.taken..self.taken + count]);
        self.taken += count;
        count
    }

    /// The broker has ended the stream: half a frame is the client's business.
    pub(super) fn end(&mut self) {
        self.checked = self.bytes.len();
    }

    fn check(&mut self) {
        loop {
            let fresh = &mut self.bytes[self.checked..];
            if self.unchecked > 0 || fresh.len() < FRAME_HEADER {
                let passed = self.unchecked.min(fresh.len());
                self.checked += passed;
                self.unchecked -= passed;
                if passed == 0 {
                    return;
                }
                continue;
            }
            let kind = fresh[0];
            let size = u32::from_be_bytes([fresh[3], fresh[4], fresh[5], fresh[6]]) as usize;
            if !(1..=8).contains(&kind) {
                // The broker speaks another protocol and says so.
                self.unchecked = usize::MAX;
            } else if !matches!(kind, METHOD | CONTENT_HEADER) || size > FRAME_LIMIT {
                self.unchecked = FRAME_HEADER + size + FRAME_END;
            } else if let Some(payload) = fresh.get_mut(FRAME_HEADER..FRAME_HEADER + size) {
                if kind == METHOD {
                    self.farewell.note(payload);
                    method(payload)
                } else {
                    content_header(payload)
                };
                self.unchecked = FRAME_HEADER + size + FRAME_END;
            } else {
                return;
            }
        }
    }
}

/// The methods in which a short string may be another client's word. `None` when it is none of them, or cut short.
fn method(payload: &mut [u8]) -> Option<()> {
    let ids = [*payload.get(1)?, *payload.get(3)?];
    let mut fields = Fields { bytes: payload, at: 4 };
    match ids {
        // basic.deliver: consumer, tag and flag, exchange, routing key
        [60, 60] => {
            fields.short_string()?;
            fields.skip(9)?;
            fields.short_string()?;
        }
        // basic.get-ok: tag and flag, exchange, routing key
        [60, 71] => {
            fields.skip(9)?;
            fields.short_string()?;
        }
        // basic.return: code, words, exchange, routing key
        [60, 50] => {
            fields.skip(2)?;
            fields.short_string()?;
            fields.short_string()?;
        }
        // connection.close, channel.close: code, words
        [10, 50] | [20, 40] => fields.skip(2)?,
        _ => return None,
    }
    fields.short_string()
}

/// Class, weight, size of the body, flags, and the properties of which a flag is set, from the highest bit.
pub(super) fn content_header(payload: &mut [u8]) -> Option<()> {
    let flags = u16::from_be_bytes([*payload.get(12)?, *payload.get(13)?]);
    properties(flags, payload.get_mut(14..)?)
}

fn properties(flags: u16, bytes: &mut [u8]) -> Option<()> {
    let mut fields = Fields { bytes, at: 0 };
    for bit in (2..=15).rev().filter(|bit| flags & (1 << bit) != 0) {
        match bit {
            13 => fields.table(0)?,
            11 | 12 => fields.skip(1)?,
            6 => fields.skip(8)?,
            _ => fields.short_string()?,
        }
    }
    Some(())
}

/// Reads field after field. `None` when there is no such field: the client will say so.
struct Fields<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl Fields<'_> {
    fn skip(&mut self, count: usize) -> Option<()> {
        self.part(count).map(drop)
    }

    fn part(&mut self, count: usize) -> Option<&mut [u8]> {
        let part = self.bytes.get_mut(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(part)
    }

    fn long(&mut self) -> Option<&mut [u8]> {
        let length = self.part(4)?;
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]);
        self.part(usize::try_from(length).ok()?)
    }

    fn short_string(&mut self) -> Option<()> {
        let length = usize::from(self.part(1)?[0]);
        let text = self.part(length)?;
        if str::from_utf8(text).is_err() {
            text.iter_mut().filter(|byte| !byte.is_ascii()).for_each(|byte| *byte = SUBSTITUTE as u8);
        }
        Some(())
    }

    fn table(&mut self, depth: u8) -> Option<()> {
        let bytes = self.long()?;
        let mut fields = Fields { bytes, at: 0 };
        let mut offset: Option<Range<usize>> = None;
        while fields.at < fields.bytes.len() {
            let begin = fields.at + 1;
            fields.short_string()?;
            let name = begin..fields.at;
            if depth == 0
                && fields.bytes[name.clone()] == *STREAM_OFFSET
                && let Some(before) = offset.replace(name.clone())
            {
                fields.bytes[before].fill(SUBSTITUTE as u8);
                fields.bytes[name].fill(SUBSTITUTE as u8);
            }
            fields.value(depth)?;
        }
        Some(())
    }

    fn array(&mut self, depth: u8) -> Option<()> {
        let bytes = self.long()?;
        let mut fields = Fields { bytes, at: 0 };
        while fields.at < fields.bytes.len() {
            fields.value(depth)?;
        }
        Some(())
    }

    fn value(&mut self, depth: u8) -> Option<()> {
        let kind = &mut self.part(1)?[0];
        if depth >= DEPTH_LIMIT && matches!(kind, b'A' | b'F') {
            *kind = b'S';
        }
        match *kind {
            b'V' => Some(()),
            b't' | b'b' | b'B' => self.skip(1),
            b's' | b'U' | b'u' => self.skip(2),
            b'I' | b'i' | b'f' => self.skip(4),
            b'D' => self.skip(5),
            b'l' | b'L' | b'd' | b'T' => self.skip(8),
            b'S' | b'x' => self.long().map(drop),
            b'A' => self.array(depth + 1),
            b'F' => self.table(depth + 1),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use lapin::protocol::basic::parse_properties;
    use lapin::types::parsing::parse_field_table;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind, 0, 1];
        bytes.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        bytes.extend(payload);
        bytes.push(0xCE);
        bytes
    }

    /// What comes through in pieces of this size.
    fn through(bytes: &[u8], piece: usize) -> Vec<u8> {
        let (mut screen, mut out, mut buffer) = (Screen::default(), Vec::new(), [0; 7]);
        for piece in bytes.chunks(piece) {
            screen.feed(piece);
            loop {
                let taken = screen.take(&mut buffer);
                out.extend(&buffer[..taken]);
                if taken == 0 {
                    break;
                }
            }
        }
        screen.end();
        while let taken @ 1.. = screen.take(&mut buffer) {
            out.extend(&buffer[..taken]);
        }
        out
    }

    fn nested(kind: u8, depth: usize) -> Vec<u8> {
        let (entry, each): (&[u8], usize) = if kind == b'A' { (b"A", 5) } else { (b"\x01kF", 7) };
        let mut value = Vec::new();
        for left in (0..depth).rev() {
            value.extend(u32::try_from(left * each).unwrap().to_be_bytes());
            value.extend(if left > 0 { entry } else { b"" });
        }
        let mut table = u32::try_from(value.len() + 3).unwrap().to_be_bytes().to_vec();
        table.extend([1, b'k', kind]);
        table.extend(value);
        table
    }

    fn header(flags: u16, properties: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(flags.to_be_bytes());
        bytes.extend(properties);
        bytes
    }

    #[test]
    fn tables_in_tables_do_not_overflow_the_clients_stack() {
        for kind in [b'A', b'F'] {
            for depth in [1, 16, 17, 18, 1_000, 15_000] {
                let mut payload = header(1 << 13, &nested(kind, depth));
                content_header(&mut payload).unwrap();
                let (rest, properties) = parse_properties(&payload[12..]).unwrap();
                assert!(rest.is_empty() && properties.headers().is_some(), "{depth}");
            }
        }
        // As many as come through unchanged.
        let table = nested(b'F', usize::from(DEPTH_LIMIT));
        let mut payload = header(1 << 13, &table);
        content_header(&mut payload).unwrap();
        assert_eq!(payload[14..], table);
    }

    #[test]
    fn short_strings_that_are_no_utf_8_become_readable_and_all_others_stay() {
        let mut payload = header(1 << 7 | 1 << 5, b"\x03a\xffb\x02\xc3\xa9");
        content_header(&mut payload).unwrap();
        assert_eq!(payload[14..], *b"\x03a\x1ab\x02\xc3\xa9");
        let deliver = b"\0\x3c\0\x3c\x01c\0\0\0\0\0\0\0\x01\0\x01x\x02k\xfe";
        let through = through(&frame(METHOD, deliver), 1);
        assert_eq!(through, frame(METHOD, b"\0\x3c\0\x3c\x01c\0\0\0\0\0\0\0\x01\0\x01x\x02k\x1a"));
    }

    #[test]
    fn an_offset_that_stands_there_twice_is_none() {
        let table = |names: &[&[u8]]| {
            let mut fields = Vec::new();
            for name in names {
                fields.push(u8::try_from(name.len()).unwrap());
                fields.extend(*name);
                fields.extend(b"l\0\0\0\0\0\0\0\x07");
            }
            [&u32::try_from(fields.len()).unwrap().to_be_bytes()[..], &fields].concat()
        };
        let blot = [SUBSTITUTE as u8; STREAM_OFFSET.len()];
        for (names, expected) in
            [([STREAM_OFFSET, b"x"], [STREAM_OFFSET, b"x"]), ([STREAM_OFFSET, STREAM_OFFSET], [&blot[..], &blot[..]])]
        {
            let mut payload = header(1 << 13, &table(&names));
            content_header(&mut payload).unwrap();
            assert_eq!(payload[14..], table(&expected));
        }
    }

    #[test]
    fn another_protocols_words_come_through() {
        assert_eq!(through(b"AMQP\0\0\x09\x01", 3), b"AMQP\0\0\x09\x01");
    }

    proptest! {
        #[test]
        fn as_many_bytes_come_out_as_went_in(bytes in vec(any::<u8>(), 0..300), piece in 1..50_usize) {
            prop_assert_eq!(through(&bytes, piece).len(), bytes.len());
        }

        #[test]
        fn bodies_and_heartbeats_are_not_touched(bodies in vec(vec(any::<u8>(), 0..60), 0..6), piece in 1..50_usize) {
            let frames: Vec<u8> = bodies.iter().flat_map(|body| [frame(3, body), frame(8, &[])].concat()).collect();
            prop_assert_eq!(through(&frames, piece), frames);
        }

        #[test]
        fn whatever_the_pieces_the_same_comes_out(
            frames in vec((1..=3_u8, vec(any::<u8>(), 0..60)), 0..6), piece in 1..50_usize,
        ) {
            let frames: Vec<u8> = frames.iter().flat_map(|(kind, payload)| frame(*kind, payload)).collect();
            prop_assert_eq!(through(&frames, piece), through(&frames, frames.len().max(1)));
        }

        #[test]
        fn what_the_client_reads_already_stays_as_it_is(table in vec(any::<u8>(), 0..80)) {
            let mut bytes = u32::try_from(table.len()).unwrap().to_be_bytes().to_vec();
            bytes.extend(table);
            if let Ok((b"", before)) = parse_field_table(&bytes[..]) {
                let mut payload = header(1 << 13, &bytes);
                content_header(&mut payload).unwrap();
                prop_assert_eq!(parse_field_table(&payload[14..]).unwrap().1, before);
            }
        }
    }
}

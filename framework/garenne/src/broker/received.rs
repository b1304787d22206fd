//! A delivery made of bytes, as the client makes it of frames. For fuzzing and tests.

use lapin::protocol::basic::parse_properties;

use super::screen::content_header;
use super::{Arrived, Inbound};

/// What a consumer gets of these bytes: the first two say how long the content header is, then come its payload and the
/// body. `None` when the client would give the connection up.
pub(crate) fn received(bytes: &[u8], exchange: &str, routing_key: &str) -> Option<Inbound> {
    let (length, rest) = bytes.split_at_checked(2)?;
    let (header, body) = rest.split_at_checked(usize::from(u16::from_be_bytes([length[0], length[1]])))?;
    let mut header = header.to_vec();
    content_header(&mut header);
    let (_, properties) = parse_properties(header.get(12..)?).ok()?;
    Some(Inbound::of(exchange, routing_key, body, Arrived::of(properties)))
}

//! Malformed headers.

use tests::frame::{long_string, short_string};

use super::dice::Dice;
use super::draft::{Draft, Expected};

/// A value of any type, as it stands on the wire. None that the broker refuses.
fn value(dice: &mut Dice, depth: usize, to: &mut Vec<u8>) {
    let kinds: &[u8] = if depth == 0 { b"tbBsuIilfdDTSxV" } else { b"tbBsuIilfdDTSxVAF" };
    let kind = dice.one(kinds);
    to.push(kind);
    match kind {
        b't' | b'b' | b'B' => to.extend(dice.bytes(1, 1)),
        b's' | b'u' => to.extend(dice.bytes(2, 2)),
        b'I' | b'i' => to.extend(dice.bytes(4, 4)),
        b'f' => to.extend(dice.one(&[0_f32, -0.0, 1.5, f32::MAX, f32::MIN_POSITIVE]).to_be_bytes()),
        b'd' => to.extend(dice.one(&[0_f64, -0.0, 1.5, f64::MAX, 5e-324]).to_be_bytes()),
        b'l' | b'T' => to.extend(dice.bytes(8, 8)),
        b'D' => to.extend(dice.bytes(5, 5)),
        b'S' | b'x' => long_string(to, &dice.bytes(0, 60)),
        b'A' => {
            let mut inner = Vec::new();
            (0..dice.from(0, 4)).for_each(|_| value(dice, depth - 1, &mut inner));
            long_string(to, &inner);
        }
        b'F' => {
            let mut inner = Vec::new();
            for number in 0..dice.from(0, 4) {
                short_string(&mut inner, format!("k{number}").as_bytes());
                value(dice, depth - 1, &mut inner);
            }
            long_string(to, &inner);
        }
        _ => {}
    }
}

pub(super) fn of_every_type(dice: &mut Dice, draft: &mut Draft) {
    for number in 0..dice.from(1, 12) {
        let mut bytes = Vec::new();
        value(dice, 5, &mut bytes);
        draft.header(format!("h{number}").as_bytes(), bytes[0], &bytes[1..]);
    }
}

/// Tables or arrays in each other: over some thousands the client would overflow its stack.
pub(super) fn deeply_nested(dice: &mut Dice, draft: &mut Draft) {
    let kind = dice.one(b"AF");
    let each = if kind == b'A' { 5 } else { 7 };
    let depth = dice.one(&[15, 16, 17, 18, 100, 400, 1_600, 8_000]);
    let mut bytes = Vec::with_capacity(depth * each);
    for left in (0..depth).rev() {
        bytes.extend(u32::try_from(left * each).expect("a small size").to_be_bytes());
        if left > 0 {
            bytes.extend(if kind == b'A' { &b"A"[..] } else { &b"\x01kF"[..] });
        }
    }
    draft.header(b"nested", kind, &bytes);
    undecodable_perhaps(dice, draft);
}

/// So many and so large that the copy of a failed message has to leave some out.
pub(super) fn huge(dice: &mut Dice, draft: &mut Draft) {
    let size = dice.one(&[1, 50, 3_000, 20_000]);
    for number in 0..3_000 {
        if draft.weight() + size + 20 > 60_000 {
            break;
        }
        let text = vec![b'x'; size];
        draft.long_header(format!("n{number}").as_bytes(), b'S', &text);
    }
    undecodable_perhaps(dice, draft);
}

/// Larger than a frame of the service, which loses its connection with every delivery until the broker gives the message up.
pub(super) fn that_break_the_connection(dice: &mut Dice, draft: &mut Draft) {
    draft.long_header(b"padding", b'S', &vec![b'x'; dice.from(66_000, 130_000)]);
    draft.expected = Expected::Dead("delivery_limit");
}

pub(super) fn with_a_name_of_no_utf8(dice: &mut Dice, draft: &mut Draft) {
    let name = dice.no_utf8();
    if dice.from(0, 2) == 0 {
        let mut inner = Vec::new();
        short_string(&mut inner, &name);
        inner.push(b'V');
        draft.long_header(b"table", b'F', &inner);
    } else {
        draft.header(&name, b'V', &[]);
    }
    draft.expected = Expected::Dead("malformed");
}

pub(super) fn with_odd_names(dice: &mut Dice, draft: &mut Draft) {
    for name in [&b""[..], &[b'k'; 255], b"\0", "ключ".as_bytes(), b"type", b"a b\n"] {
        draft.header(name, b't', &[1]);
    }
    draft.long_header(b"no-text", b'S', &dice.no_utf8());
}

fn death(dice: &mut Dice) -> Vec<u8> {
    let mut inner = Vec::new();
    for (name, text) in [("queue", "clerk.retry.20"), ("reason", "expired"), ("exchange", "clerk.retry")] {
        short_string(&mut inner, name.as_bytes());
        inner.push(b'S');
        long_string(&mut inner, text.as_bytes());
    }
    short_string(&mut inner, b"count");
    inner.push(b'l');
    inner.extend((dice.any() >> 1).to_be_bytes());
    let mut list = vec![b'F'];
    long_string(&mut list, &inner);
    list
}

pub(super) fn with_a_forged_death(dice: &mut Dice, draft: &mut Draft) {
    let deaths: Vec<u8> = (0..dice.from(0, 3)).flat_map(|_| death(dice)).collect();
    draft.long_header(b"x-death", b'A', &deaths);
    draft.long_header(b"x-first-death-queue", b'S', b"clerk.desk.ticket-filed");
    draft.long_header(b"x-first-death-reason", b'S', b"rejected");
    draft.header(b"x-delivery-count", b'l', &dice.any().to_be_bytes());
    draft.header(b"x-acquired-count", b'l', &1000_u64.to_be_bytes());
    undecodable_perhaps(dice, draft);
}

/// Such a message must never be dead-lettered by a broker of 3.10, so nothing else is wrong with it.
pub(super) fn with_a_malformed_death(dice: &mut Dice, draft: &mut Draft) {
    match dice.from(0, 4) {
        0 => draft.long_header(b"x-death", b'A', &[b'l', 0, 0, 0, 0, 0, 0, 0, 1]),
        1 => draft.long_header(b"x-death", b'S', b"dead"),
        2 => draft.header(b"x-death", b'V', &[]),
        3 => draft.long_header(b"x-death", b'F', &[]),
        _ => draft.long_header(b"x-death", b'A', b"F\0\0\0\0"),
    }
    draft.expected = Expected::Dead("malformed");
}

/// What brokers keep the properties in that AMQP 1.0 does not know. A queue delivers it as it came; a log cannot.
pub(super) fn of_the_brokers_own_making(dice: &mut Dice, draft: &mut Draft) {
    for name in ["type", "app-id", "priority", "delivery-mode", "expiration"] {
        let name = format!("x-basic-{name}");
        match dice.from(0, 2) {
            0 => draft.header(name.as_bytes(), b'l', &3_u64.to_be_bytes()),
            1 => draft.long_header(name.as_bytes(), b'S', &[b'x'; 300]),
            _ => draft.long_header(name.as_bytes(), b'S', b"zz"),
        }
    }
    undecodable_perhaps(dice, draft);
}

/// All that the library itself writes.
pub(super) fn of_the_library(dice: &mut Dice, draft: &mut Draft) {
    for name in [
        "attempt",
        "first-failed-at",
        "origin-exchange",
        "origin-routing-key",
        "error",
        "error-class",
        "service",
        "queue",
        "handler",
        "headers-left-out",
        "reason",
        "sent-at",
        "conversation-id",
        "deadline",
        "reply-run",
        "reply-number",
        "reply-count",
    ] {
        let name = format!("garenne-{name}");
        match dice.from(0, 3) {
            0 => draft.header(name.as_bytes(), b'l', &dice.any().to_be_bytes()),
            1 => draft.long_header(name.as_bytes(), b'S', &vec![b'9'; dice.from(0, 400)]),
            2 => draft.long_header(name.as_bytes(), b'A', &[]),
            _ => draft.long_header(name.as_bytes(), b'S', &dice.no_utf8()),
        }
    }
    draft.long_header(b"traceparent", b'S', &dice.bytes(0, 80));
    draft.long_header(b"tracestate", b'S', &vec![b'='; dice.from(0, 2000)]);
    draft.long_header(b"causation-id", b'S', &vec![b'c'; dice.from(0, 2000)]);
    undecodable_perhaps(dice, draft);
}

/// What the broker itself acts upon: additional routing keys.
pub(super) fn with_copies(dice: &mut Dice, draft: &mut Draft) {
    let name: &[u8] = dice.one(&[&b"CC"[..], b"BCC"]);
    match dice.from(0, 2) {
        0 => {
            let mut keys = Vec::new();
            for key in ["desk.ticket-filed", "nowhere"] {
                keys.push(b'S');
                long_string(&mut keys, key.as_bytes());
            }
            draft.long_header(name, b'A', &keys);
        }
        1 => draft.long_header(name, b'S', b"desk.ticket-filed"),
        _ => draft.long_header(name, b'A', &[b'l', 0, 0, 0, 0, 0, 0, 0, 1]),
    }
    draft.refusable = true;
    undecodable_perhaps(dice, draft);
}

pub(super) fn with_numbers_that_are_none(dice: &mut Dice, draft: &mut Draft) {
    let number = dice.one(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
    if dice.from(0, 1) == 0 {
        draft.header(b"double", b'd', &number.to_be_bytes());
    } else {
        #[expect(clippy::cast_possible_truncation, reason = "what is no number stays none")]
        draft.header(b"float", b'f', &(number as f32).to_be_bytes());
    }
    draft.refusable = true;
}

/// Half of these messages fail, so that their headers go through a copy as well.
fn undecodable_perhaps(dice: &mut Dice, draft: &mut Draft) {
    match dice.from(0, 3) {
        0 => {
            draft.body = b"no ticket".to_vec();
            draft.expected = Expected::Dead("undecodable");
        }
        1 => super::bodies::that_fails(dice, draft),
        _ => {}
    }
}

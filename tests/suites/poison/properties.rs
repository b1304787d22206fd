//! Malformed properties and routing keys.

use super::dice::Dice;
use super::draft::{
    CONTENT_TYPE, DELIVERY_MODE, Draft, EXPIRATION, Expected, HEADERS, MESSAGE_ID, PRIORITY, SHORT_STRINGS, TIMESTAMP,
    TYPE, USER_ID,
};

pub(super) fn of_no_utf8(dice: &mut Dice, draft: &mut Draft) {
    let mut bits = SHORT_STRINGS.to_vec();
    // The broker looks at its form, and nobody looks at the cluster.
    bits.retain(|bit| ![EXPIRATION, 2].contains(bit));
    draft.text(dice.one(&bits), &dice.no_utf8());
    draft.expected = Expected::Dead("malformed");
}

pub(super) fn with_a_routing_key_of_no_utf8(dice: &mut Dice, draft: &mut Draft) {
    draft.key = [&b"desk."[..], &dice.no_utf8()].concat();
    draft.expected = Expected::Dead("malformed");
}

pub(super) fn with_another_type(dice: &mut Dice, draft: &mut Draft) {
    let types = [&b""[..], b"desk.ticket-eaten", &[b't'; 255], b"desk.ticket-filed ", b"\0", "т".as_bytes()];
    draft.text(TYPE, dice.one(&types));
    draft.expected = Expected::Dead("unknown-type");
}

pub(super) fn with_another_routing_key(dice: &mut Dice, draft: &mut Draft) {
    let keys = [&b"desk."[..], b"desk.#", b"desk.\0", b"desk..", b"desk.*.ticket-filed"];
    draft.key = dice.one(&keys).to_vec();
    if dice.from(0, 1) == 0 {
        draft.text(TYPE, b"desk.ticket-filed");
        draft.expected = Expected::Dead("malformed");
    } else {
        draft.expected = Expected::Dead("unknown-type");
    }
}

/// Nothing of this keeps a message from being handled.
pub(super) fn odd(dice: &mut Dice, draft: &mut Draft) {
    for bit in [CONTENT_TYPE, 14, 10, 9, 3, 2] {
        let text = dice.one(&[&b""[..], &[b'x'; 255], b"\n\r\0\x1b[31m", "ü".as_bytes(), b"'; DROP TABLE--"]);
        draft.text(bit, text);
    }
    draft.property(PRIORITY, &[dice.one(&[0, 9, 10, 255])]);
    draft.property(TIMESTAMP, &dice.one(&[0, 1, u64::MAX, i64::MAX as u64, dice.clone().any()]).to_be_bytes());
}

/// A mark in the header alone tells this one.
pub(super) fn with_an_odd_id(dice: &mut Dice, draft: &mut Draft) {
    draft.text(MESSAGE_ID, dice.one(&[&b""[..], &[b'i'; 255], b"\n", b"\x7f"]));
    if dice.from(0, 1) == 0 {
        draft.body = b"no ticket".to_vec();
        draft.expected = Expected::Dead("undecodable");
    }
}

pub(super) fn that_expire(dice: &mut Dice, draft: &mut Draft) {
    draft.text(EXPIRATION, dice.one(&[&b"0"[..], b"1", b"50"]));
    draft.expected = Expected::HandledOrDead("expired");
}

pub(super) fn with_an_odd_expiration(dice: &mut Dice, draft: &mut Draft) {
    let odd = [&b""[..], b"5x", b" 5", b"-1", b"1.5", b"99999999999999999999", b"\xff", b"null", b"+600000"];
    draft.text(EXPIRATION, dice.one(&odd));
    draft.refusable = true;
}

pub(super) fn with_an_odd_delivery_mode(dice: &mut Dice, draft: &mut Draft) {
    draft.property(DELIVERY_MODE, &[dice.one(&[0, 3, 7, 255])]);
    draft.refusable = true;
}

pub(super) fn with_a_foreign_user(dice: &mut Dice, draft: &mut Draft) {
    draft.text(USER_ID, dice.one(&[&b"root"[..], b"", b"\xff"]));
    draft.refusable = true;
}

/// The broker itself cannot read these.
pub(super) fn cut_short(dice: &mut Dice, draft: &mut Draft) {
    match dice.from(0, 2) {
        // A table that is longer than its frame.
        0 => draft.property(HEADERS, &[0, 0, 1, 0, 1, b'k', b'V']),
        // A type that does not exist.
        1 => draft.property(HEADERS, &[0, 0, 0, 4, 1, b'k', b'?', 0]),
        // A short string that is longer than its frame.
        _ => draft.property(2, &[200, b'x']),
    }
    draft.refusable = true;
    draft.expected = Expected::Refused;
}

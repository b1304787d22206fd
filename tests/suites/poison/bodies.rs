//! Malformed bodies. What the decoder makes of each is the judge: the suite says only that nothing else happens.

use tests::clerk::{Mood, TicketFiled};

use super::dice::Dice;
use super::draft::{Draft, Expected};

/// Gives a draft a body, and expects what its decoding says.
fn with(draft: &mut Draft, body: Vec<u8>) {
    draft.expected = match serde_json::from_slice::<TicketFiled>(&body) {
        Ok(TicketFiled { mood: Mood::Good, .. }) => Expected::Handled,
        Ok(_) => Expected::Dead("attempts-used-up"),
        Err(_) => Expected::Dead("undecodable"),
    };
    draft.body = body;
}

pub(super) fn random(dice: &mut Dice, draft: &mut Draft) {
    with(draft, dice.bytes(0, 300));
}

pub(super) fn random_json_alphabet(dice: &mut Dice, draft: &mut Draft) {
    let words = ["{", "}", "[", "]", "\"number\"", ":", ",", "1", "-", "e", "null", "true", "\"", "\\u", " ", "7"];
    let body: String = (0..dice.from(0, 40)).map(|_| dice.one(&words)).collect();
    with(draft, body.into_bytes());
}

pub(super) fn truncated(dice: &mut Dice, draft: &mut Draft) {
    let mut body = format!("{{\"number\":{},\"mood\":\"good\",\"note\":\"ünïcode\"}}", draft.number).into_bytes();
    body.truncate(dice.from(0, body.len() - 1));
    with(draft, body);
}

pub(super) fn with_flipped_bits(dice: &mut Dice, draft: &mut Draft) {
    let mut body = draft.body.clone();
    for _ in 0..dice.from(1, 4) {
        let at = dice.from(0, body.len() - 1);
        body[at] ^= 1 << dice.from(0, 7);
    }
    with(draft, body);
}

pub(super) fn no_utf8(dice: &mut Dice, draft: &mut Draft) {
    let mut body = format!("{{\"number\":{},\"note\":\"", draft.number).into_bytes();
    body.extend(dice.no_utf8());
    body.extend(b"\"}");
    with(draft, body);
}

pub(super) fn empty(_: &mut Dice, draft: &mut Draft) {
    with(draft, Vec::new());
}

pub(super) fn deeply_nested(dice: &mut Dice, draft: &mut Draft) {
    let (open, close) = dice.one(&[("[", "]"), ("{\"number\":", "}")]);
    let depth = dice.one(&[100, 127, 128, 1000, 50_000]);
    let inner = if dice.from(0, 1) == 0 { open.repeat(depth) + &close.repeat(depth) } else { open.repeat(depth) };
    let body = dice.one(&[format!("{{\"number\":{},\"note\":{inner}}}", draft.number), inner]);
    with(draft, body.into_bytes());
}

pub(super) fn of_another_type(dice: &mut Dice, draft: &mut Draft) {
    let values = [
        "null",
        "true",
        "7",
        "\"ticket\"",
        "[]",
        "[7]",
        "[7,\"good\"]",
        "{}",
        "{\"number\":null}",
        "{\"number\":[1]}",
        "{\"number\":\"7\"}",
        "{\"number\":true}",
        "{\"number\":7.5}",
        "{\"number\":7,\"mood\":3}",
        "{\"Number\":7}",
        "{\"number\":7,\"mood\":\"foul\"}",
        "{\"number\":7,\"mood\":null}",
        "\u{feff}{\"number\":7}",
    ];
    with(draft, dice.one(&values).as_bytes().to_vec());
}

pub(super) fn with_keys_twice(dice: &mut Dice, draft: &mut Draft) {
    let number = draft.number;
    let bodies = [format!("{{\"number\":{number},\"number\":2}}"), format!("{{\"a\":1,\"number\":{number},\"a\":[]}}")];
    with(draft, dice.one(&bodies).into_bytes());
}

pub(super) fn with_surrogates(dice: &mut Dice, draft: &mut Draft) {
    let half = dice.one(&["\\ud800", "\\udfff", "\\ud800\\ud800", "\\udc00\\ud800", "\\u0000", "\\uD83D\\uDE00"]);
    let bodies = [
        format!("{{\"number\":{},\"note\":\"{half}\"}}", draft.number),
        format!("{{\"number\":{},\"{half}\":1}}", draft.number),
        format!("{{\"number\":{},\"mood\":\"{half}\"}}", draft.number),
    ];
    with(draft, dice.one(&bodies).into_bytes());
}

pub(super) fn with_numbers_out_of_range(dice: &mut Dice, draft: &mut Draft) {
    let long = "9".repeat(dice.from(10, 5000));
    let numbers =
        ["-1", "4294967296", "18446744073709551616", "1e999", "-0", "0.1", "1e-999", "01", "+1", "NaN", &long];
    with(draft, format!("{{\"number\":{}}}", dice.one(&numbers)).into_bytes());
}

pub(super) fn large(dice: &mut Dice, draft: &mut Draft) {
    let padding = dice.from(1_000, 200_000);
    let bodies = [
        format!("{{\"number\":{}}}{}", draft.number, " ".repeat(padding)),
        format!("{{\"number\":{},\"note\":\"{}\"}}", draft.number, "x".repeat(padding)),
        format!("{{\"number\":{},\"note\":\"{}", draft.number, "x".repeat(padding)),
    ];
    with(draft, dice.one(&bodies).into_bytes());
}

pub(super) fn that_fails(dice: &mut Dice, draft: &mut Draft) {
    let mood = dice.one(&["bad", "panicky"]);
    with(draft, format!("{{\"number\":{},\"mood\":\"{mood}\"}}", draft.number).into_bytes());
}

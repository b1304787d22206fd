//! Malformed requests. Where an answer is expected, the suite fills in its own queue as `reply_to`.

use super::dice::Dice;
use super::draft::{CORRELATION_ID, Draft, Expected, REPLY_TO};

fn request(draft: &mut Draft) {
    draft.exchange = "clerk.requests";
    draft.key = b"clerk.double".to_vec();
    draft.text(CORRELATION_ID, &draft.id());
}

pub(super) fn with_any_body(dice: &mut Dice, draft: &mut Draft) {
    request(draft);
    match dice.from(0, 4) {
        0 => {}
        1 => super::bodies::random(dice, draft),
        2 => super::bodies::of_another_type(dice, draft),
        3 => super::bodies::deeply_nested(dice, draft),
        _ => draft.body.clear(),
    }
    draft.expected = Expected::Answered;
}

pub(super) fn whose_deadline_is_odd(dice: &mut Dice, draft: &mut Draft) {
    request(draft);
    match dice.from(0, 2) {
        0 => draft.header(b"garenne-deadline", b'l', &dice.one(&[0, 1, u64::MAX, 1 << 63]).to_be_bytes()),
        1 => draft.long_header(b"garenne-deadline", b'S', b"soon"),
        _ => draft.header(b"garenne-deadline", b'T', &u64::MAX.to_be_bytes()),
    }
    draft.expected = Expected::Answered;
}

pub(super) fn command(dice: &mut Dice, draft: &mut Draft) {
    request(draft);
    draft.body = dice.one(&[&b"[1,2"[..], b"{\"number\":-1}", b"null", b"\xff"]).to_vec();
    draft.expected = Expected::Dead("undecodable");
}

pub(super) fn whose_reply_goes_astray(dice: &mut Dice, draft: &mut Draft) {
    request(draft);
    let queue = dice.one(&[&b""[..], b"clerk.dlq", b"clerk.desk.ticket-filed", &[b'q'; 255], b"#", b"\n"]);
    draft.text(REPLY_TO, queue);
    match dice.from(0, 2) {
        0 => {}
        1 => {
            let exchange = dice.one(&["clerk.events", "clerk.dlx", "clerk.retry", "amq.topic", "?", ".replies"]);
            draft.long_header(b"garenne-reply-exchange", b'S', exchange.as_bytes());
        }
        // It looks like one, and does not exist.
        _ => draft.long_header(b"garenne-reply-exchange", b'S', b"nobody.replies"),
    }
    draft.expected = Expected::Dead("permanent");
}

pub(super) fn whose_caller_has_gone(dice: &mut Dice, draft: &mut Draft) {
    request(draft);
    draft.text(REPLY_TO, dice.one(&[&b"amq.gen-gone"[..], b"amq.rabbitmq.reply-to.nonsense", b"amq."]));
    draft.expected = Expected::Unheard;
}

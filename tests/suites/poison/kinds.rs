//! Every kind of message that the suite sends, and how often.

use super::dice::Dice;
use super::draft::Draft;
use super::{bodies, headers, properties, requests};

/// One kind.
struct Kind {
    name: &'static str,
    /// Of ten thousand messages, about so many.
    share: usize,
    make: fn(&mut Dice, &mut Draft),
}

const fn kind(name: &'static str, share: usize, make: fn(&mut Dice, &mut Draft)) -> Kind {
    Kind { name, share, make }
}

fn nothing(_: &mut Dice, _: &mut Draft) {}

/// What the service itself loses a connection over costs it 21 of them, so there are few. What the broker refuses costs the
/// test a connection.
const KINDS: [Kind; 42] = [
    kind("valid", 1300, nothing),
    kind("headers: x-basic-*", 200, headers::of_the_brokers_own_making),
    kind("body: random bytes", 500, bodies::random),
    kind("body: random JSON words", 500, bodies::random_json_alphabet),
    kind("body: truncated JSON", 500, bodies::truncated),
    kind("body: flipped bits", 400, bodies::with_flipped_bits),
    kind("body: no UTF-8", 300, bodies::no_utf8),
    kind("body: empty", 100, bodies::empty),
    kind("body: deep nesting", 200, bodies::deeply_nested),
    kind("body: another type", 400, bodies::of_another_type),
    kind("body: keys twice", 200, bodies::with_keys_twice),
    kind("body: surrogates", 300, bodies::with_surrogates),
    kind("body: numbers out of range", 400, bodies::with_numbers_out_of_range),
    kind("body: large", 50, bodies::large),
    kind("handler fails or panics", 200, bodies::that_fails),
    kind("headers: every type", 600, headers::of_every_type),
    kind("headers: deep nesting", 200, headers::deeply_nested),
    kind("headers: huge", 100, headers::huge),
    kind("headers: break the connection", 4, headers::that_break_the_connection),
    kind("headers: name no UTF-8", 300, headers::with_a_name_of_no_utf8),
    kind("headers: odd names", 200, headers::with_odd_names),
    kind("headers: x-death forged", 300, headers::with_a_forged_death),
    kind("headers: x-death malformed", 200, headers::with_a_malformed_death),
    kind("headers: garenne-* forged", 400, headers::of_the_library),
    kind("headers: CC and BCC", 30, headers::with_copies),
    kind("headers: no numbers", 30, headers::with_numbers_that_are_none),
    kind("property: no UTF-8", 500, properties::of_no_utf8),
    kind("property: odd", 400, properties::odd),
    kind("property: odd message_id", 200, properties::with_an_odd_id),
    kind("property: another type", 300, properties::with_another_type),
    kind("routing key: no UTF-8", 300, properties::with_a_routing_key_of_no_utf8),
    kind("routing key: another", 200, properties::with_another_routing_key),
    kind("expiration: short", 200, properties::that_expire),
    kind("expiration: odd", 30, properties::with_an_odd_expiration),
    kind("delivery_mode: odd", 30, properties::with_an_odd_delivery_mode),
    kind("user_id: foreign", 30, properties::with_a_foreign_user),
    kind("properties: cut short", 30, properties::cut_short),
    kind("request: any body", 400, requests::with_any_body),
    kind("request: odd deadline", 100, requests::whose_deadline_is_odd),
    kind("request: command", 100, requests::command),
    kind("request: reply astray", 100, requests::whose_reply_goes_astray),
    kind("request: caller gone", 100, requests::whose_caller_has_gone),
];

/// The message with this number: the same for the same seed, whatever was made before.
pub(super) fn message(seed: u64, number: u32) -> (&'static str, Draft) {
    let mut dice = Dice::new(seed ^ (u64::from(number) << 32));
    let all: usize = KINDS.iter().map(|kind| kind.share).sum();
    let mut rest = dice.from(0, all - 1);
    let mut draft = Draft::event(number);
    for kind in &KINDS {
        if rest < kind.share {
            (kind.make)(&mut dice, &mut draft);
            return (kind.name, draft);
        }
        rest -= kind.share;
    }
    unreachable!("the shares make up the whole");
}

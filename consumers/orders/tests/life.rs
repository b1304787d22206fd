//! The stations of an order, without a database.

use contracts::orders::{CancelReason, OrderStatus};
use contracts::values::Money;
use orders::{Contradiction, Fact, Life};

const TOTAL: Money = Money::euro_cents(1_999);

fn told(facts: &[Fact]) -> Result<Life, Contradiction> {
    facts.iter().try_fold(Life::START, |life, fact| life.after(*fact))
}

fn permutations(facts: &[Fact]) -> Vec<Vec<Fact>> {
    if facts.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (index, first) in facts.iter().enumerate() {
        let rest = [facts.get(..index).unwrap_or_default(), facts.get(index + 1..).unwrap_or_default()].concat();
        all.extend(permutations(&rest).into_iter().map(|tail| [vec![*first], tail].concat()));
    }
    all
}

#[test]
fn an_order_goes_from_placed_to_dispatched() {
    let stations = [
        (Fact::Reserved(TOTAL), OrderStatus::Reserved),
        (Fact::Captured(TOTAL), OrderStatus::Confirmed),
        (Fact::Dispatched, OrderStatus::Dispatched),
    ];
    let mut life = Life::START;
    for (fact, status) in stations {
        life = life.after(fact).unwrap();
        assert_eq!((life.status, life.total), (status, Some(TOTAL)));
    }
}

#[test]
fn the_sequence_in_which_reports_arrive_does_not_matter() {
    let paid = permutations(&[Fact::Reserved(TOTAL), Fact::Captured(TOTAL), Fact::Dispatched]);
    assert_eq!(paid.len(), 6);
    for facts in paid {
        let life = told(&facts).unwrap();
        assert_eq!((life.status, life.total), (OrderStatus::Dispatched, Some(TOTAL)), "{facts:?}");
    }
    for facts in permutations(&[Fact::Reserved(TOTAL), Fact::Declined]) {
        let life = told(&facts).unwrap();
        assert_eq!((life.status, life.total), (OrderStatus::Cancelled, Some(TOTAL)), "{facts:?}");
        assert_eq!(life.cancel_reason, Some(CancelReason::PaymentDeclined), "{facts:?}");
    }
}

#[test]
fn a_report_that_arrives_again_changes_nothing() {
    let stories: [&[Fact]; 3] = [
        &[Fact::Reserved(TOTAL), Fact::Captured(TOTAL), Fact::Dispatched],
        &[Fact::Reserved(TOTAL), Fact::Declined],
        &[Fact::Rejected],
    ];
    for story in stories {
        let life = told(story).unwrap();
        for again in story {
            assert_eq!(life.after(*again), Ok(life), "{again:?} after {story:?}");
        }
    }
}

#[test]
fn a_cancelled_order_never_lives_again() {
    for ending in [Fact::Rejected, Fact::Declined] {
        let cancelled = told(&[ending]).unwrap();
        assert_eq!(cancelled.status, OrderStatus::Cancelled);
        for late in [Fact::Captured(TOTAL), Fact::Dispatched] {
            assert_eq!(cancelled.after(late), Err(Contradiction { life: cancelled, fact: late }));
        }
    }
}

#[test]
fn a_paid_order_is_never_cancelled() {
    for story in [vec![Fact::Captured(TOTAL)], vec![Fact::Captured(TOTAL), Fact::Dispatched]] {
        for ending in [Fact::Rejected, Fact::Declined] {
            assert!(told(&story).unwrap().after(ending).is_err(), "{ending:?} after {story:?}");
        }
    }
}

#[test]
fn what_inventory_decided_it_cannot_take_back() {
    assert!(told(&[Fact::Reserved(TOTAL), Fact::Rejected]).is_err());
    assert!(told(&[Fact::Rejected, Fact::Reserved(TOTAL)]).is_err());
    assert!(told(&[Fact::Rejected, Fact::Declined]).is_err());
}

#[test]
fn a_contradiction_names_both_sides() {
    let text = told(&[Fact::Declined, Fact::Captured(TOTAL)]).unwrap_err().to_string();
    assert!(text.contains("Captured") && text.contains("Cancelled (payment declined)"), "{text}");
}

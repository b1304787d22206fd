//! Made-up customers: most of them plain, some awkward.

use contracts::inventory::StockLevel;
use contracts::storefront::CheckoutSubmitted;
use contracts::values::{
    CardToken, Customer, EmailAddress, InvalidValue, OrderId, OrderLine, PersonName, QUANTITY_LIMIT, Quantity, Sku,
};
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};

/// Articles with fewer units are for awkward customers: a plain one's order shall come to a good end.
const PLENTY: u32 = 1_000;
const NAMES: [(&str, &str); 8] = [
    ("Ada Lovelace", "ada"),
    ("Grace Hopper", "grace"),
    ("Alan Turing", "alan"),
    ("Emmy Noether", "emmy"),
    ("Edsger Dijkstra", "edsger"),
    ("Barbara Liskov", "barbara"),
    ("Konrad Zuse", "konrad"),
    ("Mary Shaw", "mary"),
];

/// What is awkward about a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awkward {
    Declined,
    Flaky,
    Slow,
    /// More units than there are.
    Greedy,
    /// An article that does not exist.
    Mistaken,
}

const AWKWARD: [Awkward; 5] = [Awkward::Declined, Awkward::Flaky, Awkward::Slow, Awkward::Greedy, Awkward::Mistaken];

/// The next customer's checkout, with articles from the shelf.
///
/// # Errors
///
/// Only when the rules for values no longer allow what is written here.
pub(crate) fn next(
    shelf: &[StockLevel],
    awkward_share: f64,
    random: &mut impl rand::Rng,
) -> Result<CheckoutSubmitted, InvalidValue> {
    let awkward = random.random_bool(awkward_share).then(|| *AWKWARD.choose(random).unwrap_or(&Awkward::Declined));
    let (name, mailbox) = *NAMES.choose(random).unwrap_or(&NAMES[0]);
    let customer =
        Customer { name: PersonName::new(name)?, email: EmailAddress::new(format!("{mailbox}@example.org"))? };
    let card = CardToken::new(match awkward {
        Some(Awkward::Declined) => "tok_declined",
        Some(Awkward::Flaky) => "tok_flaky",
        Some(Awkward::Slow) => "tok_slow",
        _ => "tok_ok",
    })?;
    let lines = lines(shelf, awkward, random)?.try_into()?;
    Ok(CheckoutSubmitted { order_id: OrderId::new(), customer, lines, card })
}

fn lines(
    shelf: &[StockLevel],
    awkward: Option<Awkward>,
    random: &mut impl rand::Rng,
) -> Result<Vec<OrderLine>, InvalidValue> {
    let mistaken = || Ok(vec![OrderLine { sku: Sku::new("UNICORN-1")?, quantity: Quantity::try_from(1)? }]);
    if awkward == Some(Awkward::Mistaken) {
        return mistaken();
    }
    if awkward == Some(Awkward::Greedy) {
        let Some(scarcest) = shelf.iter().min_by_key(|level| level.available) else { return mistaken() };
        let quantity = Quantity::try_from(i64::from(scarcest.available.saturating_add(1).min(QUANTITY_LIMIT)))?;
        return Ok(vec![OrderLine { sku: scarcest.sku.clone(), quantity }]);
    }
    let mut plenty: Vec<_> = shelf.iter().filter(|level| level.available >= PLENTY).collect();
    if plenty.is_empty() {
        return mistaken();
    }
    plenty.shuffle(random);
    let kinds = random.random_range(1..=3).min(plenty.len());
    let mut line = |level: &&StockLevel| {
        Ok(OrderLine { sku: level.sku.clone(), quantity: Quantity::try_from(random.random_range(1..=2))? })
    };
    plenty.iter().take(kinds).map(&mut line).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use contracts::values::Money;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn shelf() -> Vec<StockLevel> {
        let level = |(sku, available): &(&str, u32)| StockLevel {
            sku: Sku::new(*sku).unwrap(),
            name: (*sku).to_owned(),
            price: Money::euro_cents(100),
            available: *available,
        };
        [("ATLAS-1911", 3), ("MUG-BLUE", 50_000), ("TEA-MINT", 2_000)].iter().map(level).collect()
    }

    fn crowd(awkward_share: f64) -> Vec<CheckoutSubmitted> {
        let mut random = StdRng::seed_from_u64(7);
        (0..2_000).map(|_| next(&shelf(), awkward_share, &mut random).unwrap()).collect()
    }

    #[test]
    fn plain_customers_buy_what_there_is_plenty_of_with_cards_that_work() {
        for checkout in crowd(0.0) {
            assert_eq!(checkout.card.as_str(), "tok_ok");
            assert!(checkout.lines.iter().all(|line| ["MUG-BLUE", "TEA-MINT"].contains(&line.sku.as_str())));
        }
    }

    #[test]
    fn awkward_customers_are_of_every_kind_and_none_finds_the_provider_down() {
        let mut cards: BTreeMap<String, usize> = BTreeMap::new();
        let (mut greedy, mut mistaken) = (0, 0);
        for checkout in crowd(1.0) {
            *cards.entry(checkout.card.to_string()).or_default() += 1;
            let first = checkout.lines.iter().next().unwrap();
            greedy += usize::from(first.sku.as_str() == "ATLAS-1911" && first.quantity.get() == 4);
            mistaken += usize::from(first.sku.as_str() == "UNICORN-1");
        }
        let kinds: Vec<_> = cards.keys().map(String::as_str).collect();
        assert_eq!(kinds, ["tok_declined", "tok_flaky", "tok_ok", "tok_slow"]);
        assert_eq!(cards["tok_ok"], greedy + mistaken);
        assert!(cards.values().chain([&greedy, &mistaken]).all(|count| *count > 300));
    }

    #[test]
    fn the_share_of_awkward_customers_is_as_asked() {
        let awkward = crowd(0.05).iter().filter(|checkout| checkout.card.as_str() != "tok_ok").count();
        // Three of the five kinds show in the card: 3 % of 2,000.
        assert!((30..=90).contains(&awkward), "{awkward}");
    }

    #[test]
    fn an_empty_shelf_makes_mistaken_customers_instead_of_none() {
        let checkout = next(&[], 0.0, &mut StdRng::seed_from_u64(7)).unwrap();
        assert_eq!(checkout.lines.iter().next().unwrap().sku.as_str(), "UNICORN-1");
    }
}

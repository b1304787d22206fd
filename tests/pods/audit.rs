//! The laws, checked once the shop has nothing left to do.

use rabbitmq_node::Management;
use tests::books::{Books, Breach, Orders};
use tests::{Heard, queues};

use crate::load::Ledger;
use crate::run::VHOST;

/// What whoever buys says, be it a person or a shopper.
const SUBMITTED: &str = "storefront.checkout-submitted";

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) orders: Orders,
    /// Orders that were accepted and have not ended.
    pub(crate) lost: usize,
    /// Events that were said twice.
    pub(crate) doubled: usize,
    pub(crate) breaches: Vec<Breach>,
}

impl Findings {
    pub(crate) fn note(&mut self, law: &'static str, cases: Vec<String>) {
        if !cases.is_empty() {
            self.breaches.push(Breach { law, cases });
        }
    }
}

pub(crate) async fn audit(
    management: &Management,
    books: &Books,
    ledger: &Ledger,
    heard: &Heard,
) -> Result<Findings, String> {
    let orders = books.orders().await.map_err(|error| error.to_string())?;
    let mut findings =
        Findings { breaches: books.breaches().await.map_err(|error| error.to_string())?, ..Findings::default() };
    let ended = |id: &String| orders.dispatched.contains(id) || orders.cancelled.contains(id);
    let lost: Vec<String> = ledger.orders.keys().filter(|id| !ended(id)).cloned().collect();
    findings.lost = lost.len();
    findings.note("no accepted order is lost", lost);
    findings.note("the storefront accepts every order in the end", ledger.refused.clone());
    let submitted = |id: &String| heard.said.contains_key(&(id.clone(), SUBMITTED.to_owned()));
    findings.note(
        "no order comes from nowhere",
        orders.all.keys().filter(|id| !submitted(id) && !ledger.orders.contains_key(*id)).cloned().collect(),
    );
    let wrong = ledger.orders.iter().filter_map(|(id, placed)| {
        let right = if placed.pays { "dispatched" } else { "cancelled" };
        let status = orders.all.get(id)?;
        (status != right).then(|| format!("{id} is {status} and not {right}"))
    });
    findings.note("every order ends as its card asks for", wrong.collect());
    // A customer who got no answer has said it again.
    let twice = heard.said.iter().filter(|((_, event), ids)| event != SUBMITTED && ids.len() > 1);
    let twice: Vec<String> =
        twice.map(|((order, event), ids)| format!("{order} {event}: {} message ids", ids.len())).collect();
    findings.doubled = twice.len();
    findings.note("no event is published twice under different message ids", twice);
    let dead = queues(management, VHOST).await.into_iter();
    let dead = dead.filter(|queue| queue.messages > 0 && queue.name.ends_with(".dlq"));
    findings.note(
        "no message becomes a dead letter",
        dead.map(|queue| format!("{} has {} messages", queue.name, queue.messages)).collect(),
    );
    findings.orders = orders;
    Ok(findings)
}

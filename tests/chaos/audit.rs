//! The laws, checked once the shop has nothing left to do.

use std::collections::{BTreeMap, BTreeSet};

use lapin::options::BasicGetOptions;
use lapin::{Connection, ConnectionProperties};
use tests::books::{Books, Breach, Orders};
use tests::{CONSUMERS, Heard, Raw, Vhost, queues};

use crate::load::Ledger;
use crate::log::places;

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) orders: Orders,
    /// Orders that were confirmed and are not in the books or have not ended.
    pub(crate) lost: usize,
    /// Effects or events that there are twice.
    pub(crate) doubled: usize,
    pub(crate) explained: usize,
    pub(crate) unexplained: usize,
    pub(crate) breaches: Vec<Breach>,
}

/// A dead letter, by what tells it apart.
struct DeadLetter {
    queue: String,
    message_id: String,
    reason: String,
}

pub(crate) async fn audit(vhost: &Vhost, books: &Books, ledger: &Ledger, heard: &Heard) -> Result<Findings, String> {
    let orders = books.orders().await.map_err(|error| error.to_string())?;
    let mut findings =
        Findings { breaches: books.breaches().await.map_err(|error| error.to_string())?, ..Findings::default() };

    let lost: Vec<String> = ledger.orders.keys().filter(|id| !orders.all.contains_key(*id)).cloned().collect();
    let ended = |id: &String| orders.dispatched.contains(id) || orders.cancelled.contains(id);
    findings.lost = ledger.orders.keys().filter(|id| !ended(id)).count();
    findings.note("no confirmed order is lost", lost);
    let unknown = orders.all.keys().filter(|id| !ledger.orders.contains_key(*id)).cloned().collect();
    findings.note("no order comes from nowhere", unknown);
    findings.note("every order ends as its customer's card and wishes ask for", wrong_ends(ledger, &orders));

    let differ = books.sales_differ().await.map_err(|error| error.to_string())?;
    findings.note("analytics counts what the orders say", differ);
    let places = places(vhost).await.map_err(|error| format!("the log: {error}"))?;
    let unlogged = heard.said.keys().filter(|said| !places.contains_key(*said));
    findings.note("every event stands in the log", unlogged.map(|(order, event)| format!("{order} {event}")).collect());
    let counted = books.counted().await.map_err(|error| error.to_string())?;
    let passed_over =
        places.iter().filter(|((order, event), _)| event == "orders.order-confirmed" && !counted.contains(order));
    findings.note(
        "every confirmed order of the log is counted",
        passed_over.map(|((order, _), offset)| format!("{order} at {offset}")).collect(),
    );

    let twice: Vec<String> = heard.said.iter().filter(|(_, ids)| ids.len() > 1).map(twice).collect();
    findings.doubled = twice.len();
    findings.note("no event is published twice under different message ids", twice);
    findings.note("every step of an order was told", untold(&orders, heard));

    let dead = dead_letters(vhost).await.map_err(|error| format!("the dead letters: {error}"))?;
    findings.judge(&dead, ledger);

    let kept = queues(vhost.broker().management(), vhost.name())
        .await
        .into_iter()
        .filter(|queue| queue.messages > 0 && !queue.name.ends_with(".dlq"));
    findings.note(
        "no message is left in a queue",
        kept.map(|queue| format!("{}: {}", queue.name, queue.messages)).collect(),
    );
    let mut outboxes = Vec::new();
    for service in CONSUMERS {
        match books.unsent(service).await {
            Ok(0) => {}
            Ok(rows) => outboxes.push(format!("{service}: {rows} rows")),
            Err(error) => outboxes.push(format!("{service}: {error}")),
        }
    }
    findings.note("no event is left in an outbox", outboxes);
    findings.orders = orders;
    Ok(findings)
}

impl Findings {
    pub(crate) fn note(&mut self, law: &'static str, cases: Vec<String>) {
        if !cases.is_empty() {
            self.breaches.push(Breach { law, cases });
        }
    }

    /// Every dead letter is explained by an awkward visit, and every such visit has left one.
    fn judge(&mut self, dead: &[DeadLetter], ledger: &Ledger) {
        let in_orders: BTreeSet<&str> = dead
            .iter()
            .filter(|letter| letter.queue == "orders.dlq")
            .map(|letter| letter.message_id.as_str())
            .collect();
        let mut explained: BTreeSet<&str> = BTreeSet::new();
        let mut missing = Vec::new();
        for id in &ledger.nonsense {
            if in_orders.contains(id.as_str()) {
                explained.insert(id);
            } else {
                missing.push(format!("nonsense {id}"));
            }
        }
        for pair in &ledger.forged {
            let found: Vec<&String> = pair.iter().filter(|id| in_orders.contains(id.as_str())).collect();
            match found[..] {
                [id] => {
                    explained.insert(id);
                }
                _ => missing.push(format!("one of {} and {}, not {}", pair[0], pair[1], found.len())),
            }
        }
        let strange =
            |letter: &&DeadLetter| letter.queue != "orders.dlq" || !explained.contains(letter.message_id.as_str());
        let strange: Vec<String> = dead
            .iter()
            .filter(strange)
            .map(|DeadLetter { queue, message_id, reason }| format!("{queue}: {message_id}: {reason}"))
            .collect();
        (self.explained, self.unexplained) = (dead.len() - strange.len(), strange.len());
        self.note("every dead letter is explained by an awkward order", strange);
        self.note("every awkward order has left its dead letter", missing);
    }
}

fn wrong_ends(ledger: &Ledger, orders: &Orders) -> Vec<String> {
    let wrong = ledger.orders.iter().filter_map(|(id, customer)| {
        let status = orders.all.get(id)?;
        let right = customer.ends().contains(&status.as_str());
        (!right).then(|| format!("{id} of {customer:?} is {status}"))
    });
    wrong.collect()
}

fn twice(((order, event), ids): (&(String, String), &BTreeSet<String>)) -> String {
    format!("{order} {event}: {}", ids.iter().cloned().collect::<Vec<_>>().join(" and "))
}

/// What must have been said about an order that ended so, and was not heard.
fn untold(orders: &Orders, heard: &Heard) -> Vec<String> {
    let mut by_order: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (order, event) in heard.said.keys() {
        by_order.entry(order).or_default().insert(event);
    }
    let nothing = BTreeSet::new();
    let steps = [
        (
            &orders.dispatched,
            &[
                "orders.order-placed",
                "inventory.stock-reserved",
                "payments.payment-captured",
                "orders.order-confirmed",
                "shipping.shipment-dispatched",
            ][..],
        ),
        (&orders.cancelled, &["orders.order-placed", "orders.order-cancelled"][..]),
    ];
    let missing = steps.into_iter().flat_map(|(ids, events)| {
        let (by_order, nothing) = (&by_order, &nothing);
        ids.iter().flat_map(move |id| {
            let told = by_order.get(id.as_str()).unwrap_or(nothing);
            events.iter().filter(|event| !told.contains(**event)).map(move |event| format!("{id}: {event}"))
        })
    });
    missing.collect()
}

/// Every dead letter of every service. They stay where they are, one delivery older.
async fn dead_letters(vhost: &Vhost) -> Result<Vec<DeadLetter>, lapin::Error> {
    let connection = Connection::connect(&vhost.url(), ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let mut found = Vec::new();
    for queue in queues(vhost.broker().management(), vhost.name())
        .await
        .into_iter()
        .map(|queue| queue.name)
        .filter(|name| name.ends_with(".dlq"))
    {
        while let Some(got) = channel.basic_get(queue.as_str().into(), BasicGetOptions { no_ack: false }).await? {
            let letter = &got.delivery;
            let message_id = letter.properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default();
            let text = |name| Raw::header(letter, name).unwrap_or_default();
            let reason = format!("{} {} {}", text("garenne-queue"), text("garenne-reason"), text("garenne-error"));
            found.push(DeadLetter { queue: queue.clone(), message_id, reason });
        }
    }
    // What is not acknowledged goes back.
    let _ = connection.close(200, "read".into()).await;
    Ok(found)
}

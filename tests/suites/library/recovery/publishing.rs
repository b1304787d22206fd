//! `publish` tells the truth, whatever happens to the network.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use garenne::{Event, PublishError, Running, Service};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use tests::{PATIENCE, Proxy, eventually};
use tokio::task::JoinSet;

use super::{is_not_ready_because, quick_heartbeats};
use crate::library::bench::{Bench, Seen, TicketClosed};

const ROUNDS: u32 = 10;
const TASKS: u32 = 16;
const EACH: u32 = 40;

/// An event of another service, whose exchange does not exist.
#[derive(Debug, Event, Serialize, Deserialize)]
#[event(name = "annex.form-filled")]
struct FormFilled {
    number: u32,
}

fn clerk() -> Service<Seen> {
    Service::new("clerk").publishes::<TicketClosed>().publishes::<FormFilled>()
}

/// What goes wrong in a round.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// The connections are reset.
    Cut,
    /// The connections are reset, and so is each new one for a while.
    Away,
    /// What is sent on the connections vanishes.
    Dropped,
    /// The broker gets what is sent; its answers vanish.
    Unanswered,
    /// The broker closes the channel.
    Channel,
}

async fn strike(fault: Fault, clerk: &Running<Seen>, proxy: &Proxy) {
    match fault {
        Fault::Cut => proxy.cut_existing(),
        Fault::Away => {
            proxy.cut();
            is_not_ready_because(clerk, "not publishing").await;
            proxy.attempted(proxy.attempts() + 2).await;
            proxy.open();
        }
        Fault::Dropped => proxy.stall_existing(),
        Fault::Unanswered => {
            proxy.stall_answers();
            is_not_ready_because(clerk, "not").await;
            proxy.flow_new();
        }
        Fault::Channel => {
            let refused = clerk.client().publish(&FormFilled { number: 0 }).await;
            assert!(matches!(refused, Err(PublishError::NoExchange { .. })), "{refused:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_reported_as_confirmed_is_in_the_queue_and_what_is_there_twice_has_one_id() {
    let bench = Bench::new().await;
    let proxy = Proxy::new(&bench.vhost);
    let mut settings = quick_heartbeats(&bench, &proxy);
    settings.publish_timeout = Duration::from_secs(2);
    let clerk = bench.start_with(clerk(), settings).await;
    bench.raw.queue("spy", "clerk.events", "clerk.ticket-closed").await;
    // The same moments in each run.
    let mut random = StdRng::seed_from_u64(7);
    let mut confirmed = BTreeSet::new();
    let mut reports: BTreeMap<String, u32> = BTreeMap::new();
    for round in 0..ROUNDS {
        static BEGUN: AtomicU32 = AtomicU32::new(0);
        BEGUN.store(0, Ordering::SeqCst);
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let client = clerk.client();
            tasks.spawn(async move {
                let mut reports = Vec::new();
                for step in 0..EACH {
                    let number = (round * TASKS + task) * EACH + step;
                    BEGUN.fetch_add(1, Ordering::SeqCst);
                    reports.push((number, client.publish(&TicketClosed { number }).await));
                }
                reports
            });
        }
        // Each kind twice, somewhere in the middle.
        let faults = [Fault::Cut, Fault::Away, Fault::Dropped, Fault::Unanswered, Fault::Channel];
        let fault = faults[usize::try_from(round).expect("small") % faults.len()];
        let when = random.random_range(0..TASKS * EACH / 2);
        eventually("the middle of the round", || async {
            let begun = BEGUN.load(Ordering::SeqCst);
            if begun >= when { Ok(()) } else { Err(begun.to_string()) }
        })
        .await;
        strike(fault, &clerk, &proxy).await;
        for (number, report) in tasks.join_all().await.into_iter().flatten() {
            let kind = match report {
                Ok(receipt) => {
                    assert_eq!(receipt.routed(), Some(true), "{number}");
                    confirmed.insert(number);
                    "confirmed"
                }
                Err(PublishError::Timeout { .. }) => "no confirm in time",
                Err(PublishError::Disconnected { .. }) => "no connection",
                Err(PublishError::NoRoom { .. }) => "no room",
                Err(error) => panic!("{number}: {error}"),
            };
            *reports.entry(format!("{fault:?}: {kind}")).or_default() += 1;
        }
        // What is held up of the old connections has no further part.
        proxy.cut_existing();
        proxy.flow();
        tokio::time::timeout(PATIENCE, clerk.ready()).await.expect("the service comes back");
    }
    clerk.stop().await;
    println!("{reports:#?}");
    assert!(confirmed.len() > usize::try_from(ROUNDS * TASKS * EACH / 2).expect("small"), "{reports:#?}");
    let mut ids: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    let (count, mut consumer) = (bench.raw.ready("spy").await, bench.raw.consume("spy").await);
    for _ in 0..count {
        let delivery = bench.raw.next(&mut consumer).await;
        let number = serde_json::from_slice::<TicketClosed>(&delivery.data).expect("ours").number;
        let id = delivery.properties.message_id().as_ref().expect("an id").as_str().to_owned();
        ids.entry(number).or_default().insert(id);
    }
    println!("{count} messages in the queue for {} numbers", ids.len());
    let lost: Vec<&u32> = confirmed.iter().filter(|number| !ids.contains_key(number)).collect();
    assert!(lost.is_empty(), "confirmed but lost: {lost:?}");
    let strangers: Vec<_> = ids.iter().filter(|(_, ids)| ids.len() > 1).collect();
    assert!(strangers.is_empty(), "sent again under another id: {strangers:?}");
}

//! A service outlives whatever happens between it and its broker.

mod connections;
mod credentials;
mod memory;
mod network;
mod node;
mod publishing;
mod topology;

use std::time::Duration;

use garenne::{Context, Failure, Running, Service, Settings};
use tests::{Proxy, eventually, exposition};

use super::bench::{Bench, Seen, TicketClosed, TicketFiled, admin};

/// What `docs/reliability.md` promises: a service consumes again so soon after the broker answers.
const BACK: Duration = Duration::from_secs(5);

async fn close(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
    ctx.publish(&TicketClosed { number: ticket.number }).await?;
    ctx.state().note(ticket.number.to_string());
    Ok(())
}

fn clerk() -> Service<Seen> {
    Service::new("clerk").on(close).publishes::<TicketClosed>()
}

/// Settings through a proxy with which a connection that is dead is noticed within 2 s.
fn quick_heartbeats(bench: &Bench, proxy: &Proxy) -> Settings {
    bench.settings_at(&format!("{}?heartbeat=1", proxy.url(&bench.vhost)))
}

/// Waits until readiness is off and says this.
async fn is_not_ready_because(running: &Running<Seen>, reason: &str) {
    eventually(&format!("not ready because of {reason}"), || async {
        let answer = admin(running, "/readyz").await;
        if answer.status == 503 && answer.text.contains(reason) { Ok(()) } else { Err(answer.text) }
    })
    .await;
}

/// Waits until a ticket was closed, perhaps more than once.
async fn sees(bench: &Bench, number: u32) {
    eventually(&format!("ticket {number}"), || async {
        let seen = bench.seen.all();
        if seen.contains(&number.to_string()) { Ok(()) } else { Err(format!("{seen:?}")) }
    })
    .await;
}

/// Waits until a counter has counted so far.
async fn reaches(running: &Running<Seen>, counter: &str, least: u64) {
    let (name, labels) = counter.split_once('{').unwrap_or((counter, "}"));
    let labels = labels.trim_end_matches('}');
    eventually(&format!("{counter} reaches {least}"), || async {
        let text = admin(running, "/metrics").await.text;
        if exposition::sum(&text, name, labels).is_some_and(|count| count >= least) { Ok(()) } else { Err(text) }
    })
    .await;
}

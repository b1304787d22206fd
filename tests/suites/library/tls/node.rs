//! On a broker of one's own that takes nothing unencrypted, with an authority of the test's own.

mod login;
mod renewal;
mod trust;

use garenne::{Context, Failure, Running, Service, Settings, StartError};
use serde_json::{Value, json};
use tests::{EncryptedBroker, eventually};

use crate::library::bench::{Seen, TicketClosed, TicketFiled};

/// With the exchange at which the clerk hears of tickets, whether its owner is there or not.
async fn broker() -> EncryptedBroker {
    let broker = tokio::task::spawn_blocking(EncryptedBroker::start).await.expect("the broker starts");
    let exchange = json!({"type": "topic", "durable": true});
    broker.management().put("exchanges/%2F/desk.events", &exchange).expect("the exchange is made");
    broker
}

/// Notes the number of each ticket and says that it is closed.
fn clerk() -> Service<Seen> {
    Service::new("clerk").on(close).publishes::<TicketClosed>()
}

async fn close(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
    ctx.publish(&TicketClosed { number: ticket.number }).await?;
    ctx.state().note(ticket.number.to_string());
    Ok(())
}

/// Says that tickets are filed.
fn desk() -> Service<Seen> {
    Service::new("desk").publishes::<TicketFiled>()
}

async fn start(service: Service<Seen>, seen: &Seen, settings: Settings) -> Running<Seen> {
    let running = service.start(seen.clone(), settings).await.expect("the service starts");
    ready(&running).await;
    running
}

async fn ready(running: &Running<Seen>) {
    ready_at(&format!("http://{}/readyz", running.admin_addr())).await;
}

/// Waits until a page says this.
async fn told(page: &str, words: &str) -> String {
    eventually(&format!("to be told of {words}"), || async {
        let answer = tests::http::get(page).await?;
        if answer.text.contains(words) { Ok(answer.text) } else { Err(answer.text) }
    })
    .await
}

async fn ready_at(page: &str) {
    eventually("the service becomes ready", || async {
        let answer = tests::http::get(page).await?;
        if answer.status == 200 { Ok(()) } else { Err(answer.text) }
    })
    .await;
}

/// Why a service ends that cannot begin.
async fn fails(settings: Settings) -> String {
    let mut running = clerk().start(Seen::default(), settings).await.expect("the service starts");
    let error = tokio::time::timeout(tests::PATIENCE, running.failed()).await.expect("it fails");
    assert!(matches!(error, StartError::Broker(_)), "{error}");
    error.to_string()
}

/// The open connections of a service, once there are so many and all of them are told whole.
async fn connections(broker: &EncryptedBroker, service: &str, count: usize) -> Vec<Value> {
    let management = broker.management();
    eventually(&format!("{count} connections of {service}"), || async {
        let all = management.get("connections").map_err(|error| error.to_string())?;
        let of_service = |connection: &&Value| {
            let name = connection["client_properties"]["connection_name"].as_str().unwrap_or_default();
            name.starts_with(&format!("{service}/")) && connection["user"].is_string()
        };
        let found: Vec<_> = all.as_array().into_iter().flatten().filter(of_service).cloned().collect();
        if found.len() == count { Ok(found) } else { Err(all.to_string()) }
    })
    .await
}

//! A broker of one's own, which dies and comes back, or is short of memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use garenne::{Address, Context, Failure, Ladder, PublishError, Running, Service, Settings};
use tests::{OwnBroker, Raw, eventually};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{BACK, clerk, is_not_ready_because, reaches};
use crate::library::bench::{Seen, TicketClosed, TicketFiled};

pub(super) async fn broker() -> OwnBroker {
    tokio::task::spawn_blocking(OwnBroker::start).await.expect("the broker starts")
}

async fn start<S: Send + Sync + 'static>(broker: &OwnBroker, service: Service<S>, state: S) -> Running<S> {
    start_with(broker, service, state, |settings| settings).await
}

pub(super) async fn start_with<S: Send + Sync + 'static>(
    broker: &OwnBroker,
    service: Service<S>,
    state: S,
    change: impl FnOnce(Settings) -> Settings,
) -> Running<S> {
    let mut settings = Settings::new(Address::parse(&broker.url()).expect("a URL"));
    settings.ladder = Some(Ladder::new([20, 60].map(Duration::from_millis)).expect("a ladder"));
    settings.publish_timeout = Duration::from_secs(1);
    service.start(state, change(settings)).await.expect("the service starts")
}

pub(super) async fn ready<S: Send + Sync + 'static>(running: &Running<S>) {
    let page = format!("http://{}/readyz", running.admin_addr());
    eventually("the service becomes ready", || async {
        let answer = tests::http::get(&page).await?;
        if answer.status == 200 { Ok(()) } else { Err(answer.text) }
    })
    .await;
}

async fn desk(broker: &OwnBroker) -> Raw {
    let raw = Raw::connect_to(&broker.url()).await;
    raw.exchange("desk.events").await;
    raw
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_outlives_its_broker_and_works_on_what_the_broker_kept() {
    let mut broker = broker().await;
    let raw = desk(&broker).await;
    let seen = Seen::default();
    let clerk = start(&broker, clerk(), seen.clone()).await;
    ready(&clerk).await;
    raw.publish("desk.events", "desk.ticket-filed", r#"{"number":1}"#).await;
    seen.reaches(1).await;
    // What it had not written yet would come again.
    let management = broker.management();
    eventually("the acknowledgement in the statistics", || async {
        let queue = management.get("queues/%2F/clerk.desk.ticket-filed").map_err(|error| error.to_string())?;
        if queue["message_stats"]["ack"] == 1 { Ok(()) } else { Err(queue.to_string()) }
    })
    .await;
    broker.kill();
    is_not_ready_because(&clerk, "no broker answers").await;
    // Long enough for any backoff to be at its longest.
    reaches(&clerk, "garenne_failed_attempts_total{connection=\"consume\"}", 10).await;
    let broker = tokio::task::spawn_blocking(move || {
        broker.restart();
        broker
    });
    let broker = broker.await.expect("the broker starts again");
    let began = Instant::now();
    ready(&clerk).await;
    let raw = Raw::connect_to(&broker.url()).await;
    raw.publish("desk.events", "desk.ticket-filed", r#"{"number":2}"#).await;
    eventually("the second ticket", || async {
        let all = seen.all();
        if all.contains(&"2".to_owned()) { Ok(()) } else { Err(format!("{all:?}")) }
    })
    .await;
    println!("consuming {:?} after the broker was ready", began.elapsed());
    assert!(began.elapsed() < BACK, "{:?}", began.elapsed());
    clerk.stop().await;
}

/// Handlers that wait until they may close their tickets.
#[derive(Clone)]
struct Gate {
    open: Arc<watch::Sender<bool>>,
    seen: Seen,
}

async fn close(ticket: TicketFiled, ctx: Context<Gate>) -> Result<(), Failure> {
    let _ = ctx.state().open.subscribe().wait_for(|open| *open).await;
    ctx.publish(&TicketClosed { number: ticket.number }).await?;
    ctx.state().seen.note(ticket.number.to_string());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_short_of_memory_is_waited_for_and_everything_settles_after() {
    let broker = broker().await;
    let raw = desk(&broker).await;
    let gate = Gate { open: Arc::default(), seen: Seen::default() };
    let service = Service::new("clerk").on(close).publishes::<TicketClosed>();
    let clerk = start(&broker, service, gate.clone()).await;
    ready(&clerk).await;
    for number in 0..5 {
        raw.publish("desk.events", "desk.ticket-filed", format!("{{\"number\":{number}}}")).await;
    }
    let page = |path: &str| format!("http://{}{path}", clerk.admin_addr());
    eventually("five handlers", || async {
        let text = tests::http::get(&page("/metrics")).await?.text;
        let line = "garenne_in_flight{service=\"clerk\",queue=\"clerk.desk.ticket-filed\"} 5";
        if text.contains(line) { Ok(()) } else { Err(text) }
    })
    .await;
    broker.raise_alarm();
    gate.open.send_replace(true);
    // Under load, from outside of the handlers too.
    let mut tasks = JoinSet::new();
    for task in 0..20 {
        let client = clerk.client();
        tasks.spawn(async move {
            let mut blocked = 0;
            for number in 0..3 {
                match client.publish(&TicketClosed { number: 1000 + task * 10 + number }).await {
                    Err(PublishError::Blocked { reason, .. }) => {
                        assert!(reason.contains("memory"), "{reason}");
                        blocked += 1;
                    }
                    Ok(_) => {}
                    other => panic!("{other:?}"),
                }
            }
            blocked
        });
    }
    let blocked: u32 = tasks.join_all().await.into_iter().sum();
    assert!(blocked >= 40, "{blocked} of 60 were told");
    let health = tests::http::get(&page("/readyz")).await.expect("it answers");
    assert_eq!(health.status, 200, "no replica is better off: {}", health.text);
    let metrics = tests::http::get(&page("/metrics")).await.expect("it answers").text;
    assert!(metrics.contains("garenne_publishing{service=\"clerk\"} 0"), "{metrics}");
    assert!(metrics.contains("garenne_blocked_total{service=\"clerk\"} 1"), "{metrics}");
    assert_eq!(gate.seen.all(), Vec::<String>::new());
    broker.clear_alarm();
    let began = Instant::now();
    let mut seen = gate.seen.reaches(5).await;
    seen.sort();
    assert_eq!(seen, ["0", "1", "2", "3", "4"]);
    println!("all settled {:?} after the alarm", began.elapsed());
    let client = clerk.client();
    client.publish(&TicketClosed { number: 1 }).await.expect("the broker takes messages again");
    assert_eq!(raw.ready("clerk.dlq").await, 0);
    clerk.stop().await;
    assert_eq!(raw.ready("clerk.desk.ticket-filed").await, 0);
}

//! What `docs/interop.md` shows of NestJS.

use garenne::{Event, NestQueue, NestTarget, Request, Service};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tests::{PATIENCE, eventually};

use super::clerk::{file, sum};
use super::programs::NESTJS;
use crate::library::bench::{Bench, Seen};

#[derive(Debug, Request, Serialize, Deserialize)]
#[request(name = "math.sum", reply = f64)]
struct Sum(Vec<f64>);

#[derive(Debug, Event, Serialize, Deserialize)]
#[event(name = "porter.ticket-closed")]
struct TicketClosed {
    number: u32,
}

#[tokio::test]
async fn a_client_in_typescript_asks_and_tells_a_service_of_ours() {
    let bench = Bench::new().await;
    let queue = NestQueue::new("nest").answer(json!({"cmd": "sum"}), sum).on("ticket.filed", file);
    let clerk = bench.start(Service::new("clerk").nest(queue)).await;
    assert_eq!(NESTJS.run("ask.ts", &[&bench.vhost.url(), "clerk.nest"]).await, "6");
    let seen = bench.seen.reaches(2).await;
    assert_eq!(seen, [r#"{"cmd":"sum"}"#, "ticket.filed 6 attempt 1"]);
    clerk.stop().await;
}

#[tokio::test]
async fn a_server_in_typescript_answers_and_hears_a_service_of_ours() {
    let bench = Bench::new().await;
    let server = NESTJS.start("answer.ts", &[&bench.vhost.url(), "math_queue"]);
    let prints = async |line: &str| {
        eventually(line, || async {
            let log = server.log();
            if log.lines().any(|printed| printed == line) { Ok(()) } else { Err(log) }
        })
        .await;
    };
    prints("ready").await;
    let at = NestTarget::queue("math_queue");
    let service: Service<Seen> = Service::new("porter")
        .asks_nest::<Sum>(at.clone().pattern(json!({"cmd": "sum"})))
        .publishes_to_nest::<TicketClosed>(at.pattern("ticket.closed"));
    let porter = bench.start(service).await;
    assert_eq!(porter.client().ask_within(&Sum(vec![1.0, 2.5]), PATIENCE).await, Ok(3.5));
    porter.client().publish(&TicketClosed { number: 7 }).await.expect("published");
    prints("7 is closed").await;
    porter.stop().await;
}

//! A service of ours asks a NestJS server, and tells it.

use std::time::{Duration, Instant};

use super::programs::NestServer;
use garenne::store::Store;
use garenne::{AskError, Event, NestTarget, PublishError, Request, Running, Service};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::migrate::Migrator;
use tests::{Database, PATIENCE};

use crate::library::bench::{Bench, Seen, TooBig, metric_at};

/// A request for one of the server's patterns.
macro_rules! request {
    ($type:ident, $name:literal, $reply:ty, $error:ty) => {
        #[derive(Debug, Request, Serialize, Deserialize)]
        #[request(name = $name, reply = $reply, error = $error)]
        struct $type(Value);
    };
}

request!(Sum, "desk.sum", f64, TooBig);
request!(DoubleSum, "desk.double-sum", f64, TooBig);
request!(Count, "desk.count", Vec<u32>, TooBig);
request!(CountSlowly, "desk.count-slowly", Vec<u32>, TooBig);
request!(CountAtOnce, "desk.count-at-once", u32, TooBig);
request!(BreakOff, "desk.break-off", Vec<u32>, TooBig);
request!(Undefined, "desk.undefined", (), TooBig);
request!(UndefinedNumber, "desk.undefined-number", f64, TooBig);
request!(Null, "desk.null", Option<u32>, TooBig);
request!(Refuse, "desk.refuse", u32, TooBig);
request!(Crash, "desk.crash", u32, TooBig);
request!(Hang, "desk.hang", u32, TooBig);
request!(Unknown, "desk.unknown", u32, TooBig);

/// Something to tell.
#[derive(Debug, Event, Serialize, Deserialize)]
#[event(name = "porter.ticket-closed", key = number)]
struct TicketClosed {
    number: u32,
}

/// A service that asks a server at this place.
fn porter<S: Send + Sync + 'static>(at: &NestTarget) -> Service<S> {
    let at = || at.clone();
    Service::new("porter")
        .asks_nest::<Sum>(at().pattern(json!({"cmd": "sum"})))
        .asks_nest::<DoubleSum>(at().pattern(json!({"cmd": "sum", "and": "double"})))
        .asks_nest::<Count>(at().every_value())
        .asks_nest::<CountSlowly>(at().every_value())
        .asks_nest::<CountAtOnce>(at().pattern("desk.count"))
        .asks_nest::<BreakOff>(at().every_value())
        .asks_nest::<Undefined>(at())
        .asks_nest::<UndefinedNumber>(at().pattern("desk.undefined"))
        .asks_nest::<Null>(at())
        .asks_nest::<Refuse>(at())
        .asks_nest::<Crash>(at())
        .asks_nest::<Hang>(at())
        .asks_nest::<Unknown>(at())
        .publishes_to_nest::<TicketClosed>(at().pattern("ticket.closed"))
}

async fn started(bench: &Bench, at: &NestTarget) -> Running<Seen> {
    let mut settings = bench.settings();
    settings.request_timeout = PATIENCE;
    bench.start_with(porter(at), settings).await
}

/// A server of each kind, and where it is: it acknowledges or not, and takes messages from its queue or its exchange.
async fn servers(bench: &Bench) -> Vec<(NestServer, NestTarget)> {
    let mut servers = Vec::new();
    for (name, no_ack) in [("math-no-ack", true), ("math-ack", false)] {
        let options = json!({"queue": name, "noAck": no_ack});
        servers.push((NestServer::start(&bench.vhost, options).await, NestTarget::queue(name)));
        let name = format!("{name}-topic");
        let options = json!({"queue": name, "noAck": no_ack, "wildcards": true});
        servers.push((NestServer::start(&bench.vhost, options).await, NestTarget::exchange(&name)));
    }
    servers
}

#[tokio::test]
async fn values_of_every_kind_come_back_whether_the_server_acknowledges_or_not_and_from_queue_and_exchange() {
    let bench = Bench::new().await;
    for (server, at) in servers(&bench).await {
        let porter = started(&bench, &at).await;
        let client = porter.client();
        let to = |number: u32| json!({"to": number});
        assert_eq!(client.ask(&Sum(json!([1, 2, 3.5]))).await, Ok(6.5), "{at:?}");
        assert_eq!(client.ask(&DoubleSum(json!([4]))).await, Ok(8.0), "{at:?}");
        assert_eq!(client.ask(&Count(to(3))).await, Ok(vec![1, 2, 3]), "{at:?}");
        assert_eq!(client.ask(&Count(to(0))).await, Ok(vec![]), "{at:?}");
        assert_eq!(client.ask(&Count(to(300))).await, Ok((1..=300).collect()), "{at:?}");
        assert_eq!(client.ask(&CountSlowly(to(4))).await, Ok(vec![1, 2, 3, 4]), "{at:?}");
        assert_eq!(client.ask(&CountAtOnce(to(1))).await, Ok(1), "{at:?}");
        assert_eq!(client.ask(&Undefined(json!({}))).await, Ok(()), "{at:?}");
        assert_eq!(client.ask(&Null(json!({}))).await, Ok(None), "{at:?}");
        let several = client.ask(&CountAtOnce(to(2))).await;
        let Err(AskError::Undecodable { reason, .. }) = &several else { panic!("{at:?}: {several:?}") };
        assert!(reason.contains("every_value"), "{reason}");
        let nothing = client.ask(&UndefinedNumber(json!({}))).await;
        assert!(matches!(nothing, Err(AskError::Undecodable { .. })), "{at:?}: {nothing:?}");
        porter.stop().await;
        assert_eq!(server.printed().len(), 1, "it was ready, and nothing else");
    }
}

#[tokio::test]
async fn what_a_server_throws_is_the_error_of_the_contract_or_a_problem_with_its_words() {
    let bench = Bench::new().await;
    let (_server, at) = servers(&bench).await.swap_remove(2);
    let porter = started(&bench, &at).await;
    let client = porter.client();
    let refuse = async |words: Value| client.ask(&Refuse(json!({"words": words}))).await;
    assert_eq!(refuse(json!({"limit": 1000})).await, Err(AskError::Remote(TooBig { limit: 1000 })));
    let detailed = json!({"status": "error", "message": "m", "code": "refused", "details": {"limit": 7}});
    assert_eq!(refuse(detailed).await, Err(AskError::Remote(TooBig { limit: 7 })), "as services of ours answer NestJS");
    let problem = |failed: Result<u32, AskError<TooBig>>| match failed {
        Err(AskError::Problem(problem)) => *problem,
        other => panic!("{other:?}"),
    };
    let text = problem(refuse(json!("out of paper")).await);
    assert_eq!((text.kind.as_str(), text.detail.as_str()), ("urn:nestjs:error", "out of paper"));
    assert_eq!(text.error, json!({"status": "error", "message": "out of paper"}));
    let other = problem(refuse(json!({"code": 7})).await);
    assert_eq!((other.detail.as_str(), other.error), (r#"{"code":7}"#, json!({"code": 7})));
    let crash = problem(client.ask(&Crash(json!({}))).await);
    assert_eq!(crash.detail, "Internal server error");
    let unknown = problem(client.ask(&Unknown(json!({}))).await);
    assert_eq!((unknown.kind.as_str(), unknown.status), ("urn:nestjs:no-handler", 501));
    let broken_off = client.ask(&BreakOff(json!({}))).await;
    let Err(AskError::Problem(broken_off)) = broken_off else { panic!("{broken_off:?}") };
    assert_eq!(broken_off.detail, "out of paper");
    porter.stop().await;
}

#[tokio::test]
async fn a_server_that_hangs_or_dies_ends_the_call_at_its_deadline_and_nobody_there_is_known_at_once() {
    let bench = Bench::new().await;
    for (server, at) in servers(&bench).await.into_iter().take(2) {
        let porter = started(&bench, &at).await;
        let client = porter.client();
        let patience = Duration::from_millis(700);
        let began = Instant::now();
        let call = tokio::spawn(async move { client.ask_within(&Hang(json!({})), patience).await });
        server.prints(&json!({"hangs": true})).await;
        drop(server);
        let late = call.await.expect("the call ends");
        assert_eq!(late, Err(AskError::Timeout { request: "desk.hang", waited: patience }));
        assert!(began.elapsed() >= patience);
        porter.stop().await;
    }
    for at in [NestTarget::queue("never-started"), NestTarget::exchange("never-started")] {
        let porter = started(&bench, &at).await;
        let began = Instant::now();
        let nobody = porter.client().ask(&Sum(json!([]))).await;
        assert_eq!(nobody, Err(AskError::NobodyThere { request: "desk.sum" }), "{at:?}");
        assert!(began.elapsed() < PATIENCE / 4, "{at:?}: {:?}", began.elapsed());
        porter.stop().await;
    }
}

#[tokio::test]
async fn an_event_reaches_its_event_pattern_through_queue_and_exchange() {
    let bench = Bench::new().await;
    for (server, at) in servers(&bench).await {
        let porter = started(&bench, &at).await;
        let receipt = porter.client().publish(&TicketClosed { number: 7 }).await.expect("confirmed");
        assert_eq!(receipt.routed(), Some(true));
        tests::eventually("the event", || async {
            let printed = server.printed();
            let event = printed.iter().find(|line| line["closed"] == json!({"number": 7}));
            let event = event.ok_or_else(|| format!("{printed:?}"))?;
            assert_eq!(event["type"], "porter.ticket-closed", "our envelope is there for whoever looks");
            assert_eq!(event["messageId"].as_str().map(str::len), Some(36));
            Ok(())
        })
        .await;
        porter.stop().await;
    }
}

#[tokio::test]
async fn an_event_for_a_queue_that_does_not_exist_yet_is_an_error_or_waits_in_the_outbox_until_it_does() {
    let bench = Bench::new().await;
    let database = Database::file();
    let store = Store::open(database.url(), &Migrator::with_migrations(Vec::new())).await.expect("the store opens");
    let at = NestTarget::queue("late-queue");
    let service = porter(&at).stores_in(|store: &Store| store);
    let porter = service.start(store, bench.settings()).await.expect("the service starts");
    tokio::time::timeout(PATIENCE, porter.ready()).await.expect("the service becomes ready");
    let nobody = porter.client().publish(&TicketClosed { number: 1 }).await;
    assert!(matches!(nobody, Err(PublishError::NobodyThere { .. })), "{nobody:?}");
    let mut unit = porter.client().transaction().await.expect("a transaction");
    unit.publish(&TicketClosed { number: 2 }).expect("declared");
    unit.commit().await.expect("committed");
    tests::eventually("a refused message", || async {
        let errors = database.query("SELECT COALESCE(last_error, '') FROM garenne_outbox").await;
        if errors.iter().any(|error| error.contains("nobody takes")) { Ok(()) } else { Err(errors.join("\n")) }
    })
    .await;
    let server = NestServer::start(&bench.vhost, json!({"queue": "late-queue"})).await;
    tests::eventually("the event", || async {
        let printed = server.printed();
        let closed: Vec<&Value> = printed.iter().filter_map(|line| line.get("closed")).collect();
        if closed == [&json!({"number": 2})] { Ok(()) } else { Err(format!("{printed:?}")) }
    })
    .await;
    metric_at(porter.admin_addr(), "garenne_outbox_pending{} 0").await;
    porter.stop().await;
}

//! Starting: what an operator must mend ends the service with the reason, what passes by itself is waited for.

use std::net::TcpListener;

use garenne::{
    Address, BrokerError, Context, Event, Failure, Fault, NestTarget, Options, Running, Service, Settings, StartError,
};
use lapin::options::{ExchangeDeclareOptions, ExchangeDeleteOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tests::{PATIENCE, Proxy};

use super::bench::{Bench, Double, Seen, TicketFiled, TooBig, admin};

async fn note(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
    ctx.state().note(ticket.number.to_string());
    Ok(())
}

fn clerk() -> Service<Seen> {
    Service::new("clerk").on(note)
}

/// Starts a service that cannot live, and gives the reason.
async fn fails(settings: Settings) -> StartError {
    let mut clerk = clerk().start(Seen::default(), settings).await.expect("the service starts");
    let error = tokio::time::timeout(PATIENCE, clerk.failed()).await.expect("the service fails");
    clerk.stop().await;
    error
}

async fn is_not_ready_because(running: &Running<Seen>, reason: &str) {
    tests::eventually(&format!("not ready because of {reason}"), || async {
        let answer = admin(running, "/readyz").await;
        if answer.status == 503 && answer.text.contains(reason) { Ok(()) } else { Err(answer.text) }
    })
    .await;
}

#[tokio::test]
async fn a_broker_that_is_absent_is_waited_for() {
    let bench = Bench::new().await;
    let proxy = Proxy::cut_from_the_start(&bench.vhost);
    let service = clerk().start(bench.seen.clone(), bench.settings_through(&proxy)).await;
    let clerk = service.expect("the service starts");
    is_not_ready_because(&clerk, "no broker answers at amqp://").await;
    assert_eq!(admin(&clerk, "/livez").await.status, 200);
    proxy.attempted(3).await;
    proxy.open();
    tokio::time::timeout(PATIENCE, clerk.ready()).await.expect("the service becomes ready");
    assert_eq!(admin(&clerk, "/readyz").await.status, 200);
    bench.file(1).await;
    bench.seen.reaches(1).await;
    clerk.stop().await;
}

#[tokio::test]
async fn a_wrong_password_ends_the_service_with_77_and_names_the_user_but_no_password() {
    let bench = Bench::new().await;
    let url = bench.vhost.url_of("nobody", "hunter2");
    let error = fails(Settings::new(Address::parse(&url).unwrap())).await;
    assert_eq!(error.exit_code(), 77);
    let text = error.to_string();
    assert!(text.contains("\"nobody\"") && text.contains("check AMQP_URL"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn a_vhost_that_does_not_exist_ends_the_service_with_78_and_says_what_to_do() {
    let bench = Bench::new().await;
    let url = bench.vhost.url().replace(bench.vhost.name(), "nowhere");
    let error = fails(Settings::new(Address::parse(&url).unwrap())).await;
    assert_eq!(error.exit_code(), 78);
    let text = error.to_string();
    assert!(text.contains("vhost \"nowhere\"") && text.contains("rabbitmqctl add_vhost"), "{text}");
}

#[tokio::test]
async fn every_object_that_the_broker_has_otherwise_is_listed_with_both_values_and_what_to_run() {
    let bench = Bench::new().await;
    let channel = bench.raw.channel();
    let mut arguments = FieldTable::default();
    for (name, value) in [("x-queue-type", "quorum"), ("x-dead-letter-exchange", "clerk.dlx")] {
        arguments.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    arguments.insert("x-dead-letter-strategy".into(), AMQPValue::LongString("at-least-once".into()));
    arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(5));
    let work = channel.queue_declare("clerk.desk.ticket-filed".into(), QueueDeclareOptions::durable(), arguments);
    work.await.expect("declared");
    let step = channel.queue_declare("clerk.retry.20".into(), QueueDeclareOptions::durable(), FieldTable::default());
    step.await.expect("declared");
    let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
    let kind = lapin::ExchangeKind::Direct;
    let exchange = channel.exchange_declare("clerk.retry".into(), kind, options, FieldTable::default());
    exchange.await.expect("declared");

    let error = fails(bench.settings()).await;
    assert_eq!(error.exit_code(), 78);
    let text = error.to_string();
    let StartError::Broker(BrokerError::Drift(drifts)) = error else { panic!("{text}") };
    let mut names: Vec<&str> = drifts.iter().map(|drift| drift.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["clerk.desk.ticket-filed", "clerk.retry", "clerk.retry.20"]);
    for words in [
        "queue clerk.desk.ticket-filed: inequivalent arg 'x-delivery-limit'",
        "received '20' but current is '5'",
        "exchange clerk.retry: inequivalent arg 'type'",
        "received 'topic' but current is 'direct'",
        &format!("rabbitmqctl delete_queue --vhost {} clerk.retry.20", bench.vhost.name()),
    ] {
        assert!(text.contains(words), "{words:?} is missing in:\n{text}");
    }
}

#[tokio::test]
async fn a_missing_right_ends_the_service_with_77_in_the_brokers_words() {
    let bench = Bench::new().await;
    let management = bench.vhost.broker().management();
    let user = format!("visitor-{}", bench.vhost.name());
    management.put(&format!("users/{user}"), &json!({"password": "p", "tags": ""})).expect("a user");
    bench.vhost.allow(&user, "^clerk\\..*", "^clerk\\..*", "^clerk\\..*");
    let error = fails(Settings::new(Address::parse(&bench.vhost.url_of(&user, "p")).unwrap())).await;
    management.delete(&format!("users/{user}")).expect("the user goes");
    assert_eq!(error.exit_code(), 77);
    let text = error.to_string();
    assert!(text.contains(&user) && text.contains("'desk.events'") && text.contains("definitions"), "{text}");
}

#[tokio::test]
async fn an_owner_that_has_not_started_yet_is_waited_for() {
    let bench = Bench::new().await;
    let delete = bench.raw.channel().exchange_delete("desk.events".into(), ExchangeDeleteOptions::default());
    delete.await.expect("deleted");
    let clerk = clerk().start(bench.seen.clone(), bench.settings()).await.expect("the service starts");
    is_not_ready_because(&clerk, "exchange \"desk.events\" does not exist yet: start its owner").await;
    bench.raw.exchange("desk.events").await;
    tokio::time::timeout(PATIENCE, clerk.ready()).await.expect("the service becomes ready");
    bench.file(1).await;
    bench.seen.reaches(1).await;
    clerk.stop().await;
}

#[tokio::test]
async fn all_mistakes_in_the_wiring_are_reported_together_before_anything_connects() {
    #[derive(Debug, Event, Serialize, Deserialize)]
    #[event(name = "desk.ticket-lost")]
    struct TicketLost;

    async fn lost(_: TicketLost, _: Context<Seen>) -> Result<(), Failure> {
        Ok(())
    }
    async fn double(_: Double, _: Context<Seen>) -> Result<u32, garenne::Refusal<TooBig>> {
        Ok(1)
    }
    let nowhere = Address::parse("amqp://127.0.0.1:1").unwrap();
    let service = Service::new("front-desk")
        .on(note)
        .on(note)
        .on_with(lost, Options::new().queue("Lost And Found").concurrency(0))
        .answer(double);
    let error = service.start(Seen::default(), Settings::new(nowhere)).await.err().expect("it is wired wrongly");
    assert_eq!(error.exit_code(), 78);
    let text = error.to_string();
    let StartError::Wiring(faults) = error else { panic!("{text}") };
    let has = |wanted: fn(&Fault) -> bool| assert!(faults.iter().any(wanted), "{text}");
    has(|fault| matches!(fault, Fault::HandledTwice { message: "desk.ticket-filed", .. }));
    has(|fault| matches!(fault, Fault::QueueName(name) if name == "Lost And Found"));
    has(|fault| matches!(fault, Fault::Option { option: "concurrency", .. }));
    has(|fault| matches!(fault, Fault::AnswersForeign { owner: "clerk", .. }));
    assert_eq!(faults.len(), 4, "{text}");
}

#[test]
fn a_service_that_does_nothing_is_a_mistake_and_one_that_only_asks_or_says_something_is_none() {
    let nothing = Service::<Seen>::new("porter").faults();
    assert_eq!(nothing, [Fault::Idle("porter".into())]);
    for way in [".on_device(…)", ".nest(…)", ".asks::<…>()", ".publishes_to_nest::<…>(…)"] {
        assert!(nothing[0].to_string().contains(way), "{}", nothing[0]);
    }
    let porter = || Service::<Seen>::new("porter");
    let at = NestTarget::queue("math_queue");
    for service in [porter().asks::<Double>(), porter().publishes::<TicketFiled>(), porter().asks_nest::<Double>(at)] {
        assert_eq!(service.faults(), []);
    }
}

#[tokio::test]
async fn an_admin_address_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut settings = Settings::new(Address::parse("amqp://127.0.0.1:1").unwrap());
    settings.admin_addr = taken.local_addr().expect("an address");
    let error = clerk().start(Seen::default(), settings.clone()).await.err().expect("the port is taken");
    assert_eq!(error.exit_code(), 78);
    assert!(error.to_string().contains(&format!("ADMIN_ADDR {}", settings.admin_addr)), "{error}");
}

#[tokio::test]
async fn a_background_task_that_fails_or_panics_ends_the_service_with_70_and_its_words() {
    let bench = Bench::new().await;
    let failing = clerk().background("lamp", async |_| Err::<(), _>("the bulb is out"));
    let mut running = bench.start(failing).await;
    let error = running.failed().await;
    assert_eq!(
        (error.exit_code(), error.to_string().as_str()),
        (70, "the background task lamp failed: the bulb is out")
    );
    running.stop().await;
    let panicking = clerk().background("lamp", async |_| -> Result<(), String> { panic!("it fell down") });
    let mut running = bench.start(panicking).await;
    let error = running.failed().await;
    assert_eq!(error.exit_code(), 70);
    assert_eq!(error.to_string(), "the background task lamp failed: panicked: it fell down");
    running.stop().await;
}

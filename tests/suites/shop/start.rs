//! Services that cannot start, or cannot start yet: what they say and how they end.

use std::net::Ipv4Addr;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};
use rustix::process::Signal;
use serde_json::Value;
use tests::{CONSUMERS, PATIENCE, Proxy, Raw, ServiceProcess, Shop, Vhost, eventually, program};
use tokio::net::TcpListener;

/// What every service needs to run.
fn environment(shop: &Shop, url: &str) -> Vec<(&'static str, String)> {
    let database = shop.folder().join("orders.db");
    vec![
        ("AMQP_URL", url.to_owned()),
        ("ADMIN_ADDR", "127.0.0.1:0".to_owned()),
        ("DATABASE_URL", format!("sqlite://{}?mode=rwc", database.display())),
    ]
}

/// Starts `orders` in this environment and gives its exit code and what it has said.
async fn fails(shop: &Shop, environment: &[(&str, String)]) -> (Option<i32>, String) {
    let mut process = ServiceProcess::start("orders", "orders", shop.folder(), environment);
    let status = process.ended().await;
    (status.code(), process.log())
}

/// Runs a program with an argument and without any environment.
fn call(service: &str, arguments: &[&str]) -> Output {
    Command::new(program(service)).env_clear().args(arguments).output().expect("the program starts")
}

fn says(log: &str, words: &[&str]) {
    for word in words {
        assert!(log.contains(word), "{word:?} is missing in:\n{log}");
    }
}

#[tokio::test]
async fn without_the_brokers_address_a_service_ends_with_78_and_an_example_of_one() {
    let shop = Shop::empty().await;
    let (code, log) = fails(&shop, &environment(&shop, "")[1..]).await;
    assert_eq!(code, Some(78), "{log}");
    says(&log, &["AMQP_URL: is not set", "amqp://user:password@localhost:5672/%2f"]);
}

#[tokio::test]
async fn every_mistake_in_the_environment_is_named_at_once() {
    let shop = Shop::empty().await;
    let mut wrong = environment(&shop, "http://orders:geheim@localhost");
    wrong.extend([("RETRY_LADDER_MS", "5,1".to_owned()), ("DRAIN_SECONDS", "soon".to_owned())]);
    let (code, log) = fails(&shop, &wrong).await;
    assert_eq!(code, Some(78), "{log}");
    says(&log, &["AMQP_URL", "RETRY_LADDER_MS", "DRAIN_SECONDS", "1 to 3600"]);
    assert!(!log.contains("geheim"), "a password in the log:\n{log}");
}

#[tokio::test]
async fn a_wrong_password_ends_a_service_with_77_and_what_to_check_but_the_password_is_not_in_its_log() {
    let shop = Shop::empty().await;
    let url = shop.vhost().url_of("orders", "geheimnis");
    let (code, log) = fails(&shop, &environment(&shop, &url)).await;
    assert_eq!(code, Some(77), "{log}");
    says(&log, &["user \"orders\"", "AMQP_URL", "rabbitmqctl list_users"]);
    assert!(!log.contains("geheimnis"), "a password in the log:\n{log}");
}

#[tokio::test]
async fn a_vhost_that_is_not_there_or_not_open_to_the_user_ends_a_service_with_78_and_its_name() {
    let shop = Shop::empty().await;
    let closed = Vhost::new();
    for url in [format!("{}-elsewhere", shop.vhost().url_of("orders", "orders")), closed.url_of("orders", "orders")] {
        let name = url.rsplit('/').next().expect("a vhost");
        let (code, log) = fails(&shop, &environment(&shop, &url)).await;
        assert_eq!(code, Some(78), "{log}");
        says(&log, &[&format!("vhost {name:?}"), "rabbitmqctl add_vhost", "permissions"]);
    }
}

#[tokio::test]
async fn a_queue_that_exists_with_other_arguments_ends_a_service_with_78_and_what_differs_and_what_to_run() {
    let shop = Shop::empty().await;
    let raw = Raw::connect(shop.vhost()).await;
    let text = |text: &str| AMQPValue::LongString(text.into());
    let dead_letters = [
        ("x-queue-type", text("quorum")),
        ("x-delivery-limit", AMQPValue::LongLongInt(1_000_000)),
        ("x-max-length", AMQPValue::LongLongInt(7)),
        ("x-overflow", text("reject-publish")),
    ];
    let work = [("x-queue-type", text("quorum"))];
    for (queue, arguments) in [("orders.dlq", &dead_letters[..]), ("orders.payments.payment-captured", &work)] {
        let mut table = FieldTable::default();
        for (key, value) in arguments {
            table.insert((*key).into(), value.clone());
        }
        let declare = raw.channel().queue_declare(queue.into(), QueueDeclareOptions::durable(), table);
        declare.await.expect("declared");
    }
    let (code, log) = fails(&shop, &environment(&shop, &shop.vhost().url_of("orders", "orders"))).await;
    assert_eq!(code, Some(78), "{log}");
    says(&log, &["queue orders.dlq:", "queue orders.payments.payment-captured:"]);
    let command = format!("rabbitmqctl delete_queue --vhost {} orders.dlq", shop.vhost().name());
    says(&log, &[&command, "move its messages away"]);
    let line = log.lines().find(|line| line.contains("queue orders.dlq:")).expect("a line for each");
    says(line, &["'x-max-length'", "'7'", "'1000000'"]);
}

#[tokio::test]
async fn a_right_that_is_missing_ends_a_service_with_77_and_the_name_of_what_it_may_not_do() {
    let shop = Shop::empty().await;
    shop.vhost().allow("orders", "^orders\\..*$", "^orders\\..*$", "^orders\\..*$");
    let raw = Raw::connect(shop.vhost()).await;
    for service in ["storefront", "inventory", "payments", "shipping"] {
        raw.exchange(&format!("{service}.events")).await;
    }
    let (code, log) = fails(&shop, &environment(&shop, &shop.vhost().url_of("orders", "orders"))).await;
    assert_eq!(code, Some(77), "{log}");
    says(&log, &["user \"orders\" lacks a right", ".events'", "definitions"]);
}

#[tokio::test]
async fn without_a_database_each_service_says_which_variable_names_it_with_an_example() {
    let shop = Shop::empty().await;
    for service in CONSUMERS {
        let mut without = environment(&shop, &shop.vhost().url_of(service, service));
        without.pop();
        let mut process = ServiceProcess::start(service, service, shop.folder(), &without);
        assert_eq!(process.ended().await.code(), Some(69), "{}", process.log());
        says(&process.log(), &["DATABASE_URL", "sqlite:///data/", "?mode=rwc"]);
    }
}

#[tokio::test]
async fn while_the_broker_is_away_a_service_says_so_once_keeps_trying_and_is_ready_when_it_is_there() {
    let mut shop = Shop::empty().await;
    for service in CONSUMERS.iter().chain(&["storefront"]).filter(|service| **service != "orders") {
        shop.start(service);
    }
    let proxy = Proxy::cut_from_the_start(shop.vhost());
    let url = proxy.url_of(shop.vhost(), "orders", "orders");
    shop.start_with("orders", &[("AMQP_URL", &url)]);
    proxy.attempted(5).await;
    let log = shop.replicas("orders").next().expect("a replica").log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("no broker answers at")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    says(lines[0], &["127.0.0.1:", shop.vhost().name(), "AMQP_URL", "WARN"]);
    assert!(!log.contains("orders:orders"), "a password in the log:\n{log}");
    proxy.open();
    shop.ready().await;
}

#[tokio::test]
async fn a_service_that_is_told_to_end_while_the_broker_is_away_ends_with_0_at_once() {
    let mut shop = Shop::empty().await;
    let proxy = Proxy::cut_from_the_start(shop.vhost());
    for service in ["orders", "storefront", "shoppers"] {
        shop.start_with(service, &[("AMQP_URL", &proxy.url_of(shop.vhost(), service, service))]);
        let process = shop.replicas(service).next().expect("a replica");
        eventually("the first line", || async {
            if process.log().contains("no broker answers at") { Ok(()) } else { Err(process.log()) }
        })
        .await;
        let since = Instant::now();
        process.terminate();
        let status = process.ended().await;
        assert_eq!(status.code(), Some(0), "{}", process.log());
        assert!(since.elapsed().as_secs() < 5, "{service} took {:?}", since.elapsed());
    }
}

#[tokio::test]
async fn a_service_that_is_told_to_end_before_it_has_its_state_ends_with_0_at_once() {
    let shop = Shop::empty().await;
    // A database that takes connections and says nothing: so does one of whose migrations another replica has the lock.
    let database = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = database.local_addr().expect("an address");
    let mut environment = environment(&shop, &shop.vhost().url_of("orders", "orders"));
    environment[2].1 = format!("postgres://orders:orders@{address}/orders");
    for signal in [Signal::TERM, Signal::INT] {
        let mut process = ServiceProcess::start("orders", "orders", shop.folder(), &environment);
        let asked = tokio::time::timeout(PATIENCE, database.accept()).await.expect("the database is asked");
        let since = Instant::now();
        process.signal(signal);
        let status = process.ended().await;
        assert_eq!(status.code(), Some(0), "{}", process.log());
        assert!(since.elapsed() < Duration::from_secs(2), "it took {:?}", since.elapsed());
        says(&process.log(), &["ended before it had started"]);
        drop(asked);
    }
}

#[tokio::test]
async fn the_health_check_of_an_image_is_green_while_the_broker_is_away_and_red_without_the_service() {
    let shop = Shop::empty().await;
    let admin = format!("127.0.0.1:{}", machine::ports::free().expect("a free port"));
    let check = || {
        let mut command = Command::new(program("orders"));
        command.env_clear().env("ADMIN_ADDR", &admin).arg("healthcheck").output().expect("the program starts")
    };
    let output = check();
    assert_eq!(output.status.code(), Some(1));
    says(&String::from_utf8_lossy(&output.stderr), &[&admin, "/livez does not answer"]);
    let nobody = machine::ports::free().expect("a free port");
    let mut environment = environment(&shop, &format!("amqp://orders:orders@127.0.0.1:{nobody}/%2f"));
    environment[1].1.clone_from(&admin);
    let mut process = ServiceProcess::start("orders", "orders", shop.folder(), &environment);
    eventually("the check is green", || async {
        let output = check();
        if output.status.success() { Ok(()) } else { Err(format!("{output:?}")) }
    })
    .await;
    process.terminate();
    process.ended().await;
    assert_eq!(check().status.code(), Some(1));
}

#[test]
fn an_unknown_argument_is_refused_with_64_and_the_ones_that_are_known() {
    for arguments in [&["--help-me"][..], &["definitions", "please"]] {
        let output = call("orders", arguments);
        assert_eq!(output.status.code(), Some(64));
        says(&String::from_utf8_lossy(&output.stderr), &["unknown argument", arguments[0], "`definitions`"]);
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn help_names_all_uses_and_the_variable_that_is_needed() {
    let output = call("orders", &["--help"]);
    assert_eq!(output.status.code(), Some(0));
    says(
        &String::from_utf8_lossy(&output.stdout),
        &["orders definitions", "orders healthcheck", "AMQP_URL", "RETRY_LADDER_MS"],
    );
}

#[test]
fn the_definitions_of_a_service_are_json_and_need_no_environment() {
    for service in CONSUMERS.iter().chain(&["storefront", "shoppers"]) {
        let output = call(service, &["definitions"]);
        assert!(output.status.success() && output.stderr.is_empty(), "{service}: {output:?}");
        let definitions: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(definitions["permissions"][0]["user"], *service);
        assert!(definitions["exchanges"].as_array().is_some_and(|exchanges| !exchanges.is_empty()), "{definitions}");
    }
}

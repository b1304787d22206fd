//! One run: pods, a first order, load while pods are killed, scaled and replaced, rest, audit.

use std::time::{Duration, Instant};

use rabbitmq_node::Management;
use serde_json::Value;
use tests::books::Books;
use tests::http::{get, post};
use tests::{CONSUMERS, Ear, blocking, checkout, eventually, lasting, rest};

use crate::audit::{Findings, audit};
use crate::load::Load;
use crate::options::Options;
use crate::phases::Phase;
use crate::podman::address;
use crate::pods::{Pods, SHOPPERS};
use crate::table::{Row, Table};

/// The administrator of `infra/rabbitmq/definitions.json`.
const ADMINISTRATOR: (&str, &str) = ("admin", "admin");
/// Where the overlay's broker has the shop.
pub(crate) const VHOST: &str = "/";
/// How long the shop may take after the last order.
const REST: Duration = Duration::from_secs(90);
/// How long the shop works before anything happens to it, and after each change of scale.
const CALM: Duration = Duration::from_secs(10);
/// Who is scaled.
const SCALED: &str = "inventory";
/// The part of the run that has a bar, and the bar: 99 of 100 orders come to their end in this time.
const ROLLING: &str = "every pod is replaced";
const BAR: Duration = Duration::from_secs(5);

/// Runs it and prints what was found; returns whether every law holds.
pub(crate) async fn run(options: &Options) -> bool {
    match attempt(options).await {
        Ok(holds) => holds,
        Err(error) => {
            println!("{error}");
            false
        }
    }
}

async fn attempt(options: &Options) -> Result<bool, String> {
    let documents: Vec<Value> = blocking(|| manifests::render_folder("podman")).await?.documents;
    let opening = Instant::now();
    let mut pods = Pods::open(options.folder.clone(), &documents).await?;
    let (broker, database) = (address("rabbitmq").await?, address("postgres").await?);
    let (user, password) = ADMINISTRATOR;
    let management = Management::new(&format!("http://{broker}:15672"), user, password);
    pods.ready().await;
    let mut table = Table { opened: opening.elapsed(), ..Table::default() };
    println!("{} pods are ready after {:.1} s", pods.started, table.opened.as_secs_f64());

    let services: Vec<&str> = CONSUMERS.into_iter().chain(["storefront"]).collect();
    let ear = Ear::open(&format!("amqp://{user}:{password}@{broker}:5672/%2f"), &services).await;
    pods.let_shoppers_in().await?;
    first_order(&pods).await;
    let load = Load::start(pods.endpoints(), options.orders_per_second);
    let phases = disturb(&mut pods).await?;
    let ledger = load.stop().await;
    pods.scale(SHOPPERS, 0).await?;
    println!("{} orders are accepted; the shop settles", ledger.orders.len());

    let books = Books::new(pods.databases(&database), options.folder.join("volumes/mail/_data"));
    let settled = rest(&management, VHOST, &books, ledger.orders.len(), REST).await;
    let heard = ear.close().await;
    (table.resent, table.retries, table.pods) = (ledger.resent, heard.retries, pods.started);
    table.findings = audit(&management, &books, &ledger, &heard).await.unwrap_or_else(|error| {
        let mut findings = Findings::default();
        findings.note("the books and the broker can be read", vec![error]);
        findings
    });
    match settled {
        Ok(took) => table.settled = took,
        Err(busy) => table.findings.note("the shop comes to rest", vec![busy]),
    }
    table.findings.note("every pod that is asked to stop ends well", pods.complaints.clone());
    for phase in &phases {
        let ways = phase.ways(&ledger, &heard);
        let most = ways.percentile(99);
        if options.timed && phase.name == ROLLING && (most >= BAR || ways.count() == 0) {
            let found = format!("{:.2} s, of {} orders", most.as_secs_f64(), ways.count());
            table.findings.note("while every pod is replaced, p99 of an order's way stays below 5 s", vec![found]);
        }
        table.rows.push(Row { name: phase.name, lasted: phase.ended - phase.began, ways });
    }
    println!("\n{table}");
    for breach in &table.findings.breaches {
        println!("{breach}");
    }
    Ok(table.findings.breaches.is_empty())
}

/// Everything that happens to the pods while orders come in.
async fn disturb(pods: &mut Pods) -> Result<Vec<Phase>, String> {
    let mut phases = Vec::new();
    let mut began = Instant::now();
    let mut end = |name| {
        let now = Instant::now();
        println!("{:6.1} s  {name}", (now - began).as_secs_f64());
        phases.push(Phase { name, began, ended: now });
        began = now;
    };
    let all = pods.modules();
    // There is one shopper, whose death would be no news.
    let modules: Vec<&String> = all.iter().filter(|module| *module != SHOPPERS).collect();
    lasting(CALM).await;
    end("nothing happens");
    for module in &modules {
        pods.kill(module).await?;
    }
    end("a pod of each is killed");
    let before = pods.replicas(SCALED);
    for replicas in [before + 2, 1, before] {
        pods.scale(SCALED, replicas).await?;
        lasting(CALM / 2).await;
    }
    end("inventory is scaled");
    for module in &all {
        pods.roll(module).await?;
    }
    end(ROLLING);
    lasting(CALM / 2).await;
    end("nothing happens any more");
    Ok(phases)
}

/// A person's order, from the storefront's page to the parcel.
async fn first_order(pods: &Pods) {
    let endpoints = pods.endpoints();
    let url = endpoints.lock().expect("nobody panics with it").first().cloned().expect("a pod of the storefront");
    let answer = post(&format!("{url}/api/checkouts"), &checkout("MUG-BLUE", 2, "tok_ok")).await.expect("an answer");
    assert_eq!(answer.status, 202, "{}", answer.text);
    let id = answer.json()["order_id"].as_str().expect("an order's number").to_owned();
    let placed = Instant::now();
    eventually(&format!("order {id} dispatched"), || async {
        let answer = get(&format!("{url}/api/orders/{id}")).await?;
        if answer.status == 200 && answer.json()["status"] == "dispatched" { Ok(()) } else { Err(answer.text) }
    })
    .await;
    println!("the first order is dispatched after {:.2} s", placed.elapsed().as_secs_f64());
}

//! One run: load, faults, rest, audit.

use std::time::{Duration, Instant};

use rabbitmq_node::Management;
use tests::faults::{Fault, Kind, Schedule};
use tests::{CONSUMERS, Ear, Proxy, Vhost, blocking, lasting, rest};

use crate::audit::{Findings, audit};
use crate::books::Databases;
use crate::fleet::{Fleet, REPLICAS};
use crate::load::Load;
use crate::options::{Options, Store};
use crate::table::{BAR, Table};
use crate::target::Target;
use crate::watch::{Watch, whole};

/// How long the shop works before the first fault.
const CALM: Duration = Duration::from_secs(5);
/// How long the shop may take after the last order.
const REST: Duration = Duration::from_secs(300);
/// By how much everything is late, each way, while the network is delayed.
const LATE: Duration = Duration::from_millis(300);

/// Runs it and prints what was found; returns whether every law holds.
pub(crate) async fn run(options: &Options) -> bool {
    let target = Target::start(options).await;
    let vhost = target.vhost();
    whole(&vhost).await;
    let databases = Databases::create(options).await;
    let mut table = Table { seed: options.seed, ..Table::default() };
    table.broker = version(vhost.broker().management()).await;
    table.store = match options.store {
        Store::Sqlite => "SQLite".to_owned(),
        Store::Postgres => "PostgreSQL".to_owned(),
    };
    if options.cluster {
        table.broker.push_str(", three nodes");
    }
    let mut fleet = Fleet::start(options, &vhost, &databases).await;
    let ear = Ear::open(&vhost.url(), &CONSUMERS).await;
    let mut watch = Watch::begin(&vhost).await;
    println!("RabbitMQ {}, {}, seed {}; the shop is open", table.broker, table.store, options.seed);

    let load = Load::start(&vhost, options.seed, options.orders_per_second);
    let queues = watch.queues();
    let mut shop =
        Shop { target: &target, vhost: &vhost, databases: &databases, fleet: &mut fleet, queues, missing: None };
    let (mut slow, mut crashed, mut given_up) = (Vec::new(), Vec::new(), false);
    let began = Instant::now();
    lasting(CALM).await;
    let kinds: Vec<Kind> = target.kinds().into_iter().chain(databases.kinds()).collect();
    for fault in Schedule::new(options.seed, &kinds, REPLICAS) {
        if !options.goal.wants_a_fault(began.elapsed(), table.faults()) {
            break;
        }
        lasting(fault.pause).await;
        let answered = match shop.suffer(&fault).await {
            Ok(answered) => answered,
            Err(complaint) => {
                crashed.push(complaint);
                Instant::now()
            }
        };
        let mut took = watch.recovered(shop.fleet, answered).await;
        if let Some(node) = shop.missing.take() {
            lasting(fault.lasts).await;
            target.bring_back(node).await;
            // Whoever was thrown out by its return has to come back too.
            took = longer(took, watch.recovered(shop.fleet, Instant::now()).await);
        }
        let elapsed = began.elapsed().as_secs_f64();
        let number = table.faults() + 1;
        match took {
            Ok(took) => {
                println!("{elapsed:6.1} s  {number:>3}  {fault}: recovered in {:.1} s", took.as_secs_f64());
                table.recovered(fault.kind, took);
                if took > BAR {
                    slow.push(format!("{number} {fault}: {:.1} s", took.as_secs_f64()));
                }
            }
            Err(missing) => {
                println!("{elapsed:6.1} s  {number:>3}  {fault}: not recovered: {missing}");
                slow.push(format!("{number} {fault}: never: {missing}"));
                given_up = true;
                break;
            }
        }
    }
    while !given_up && !options.goal.is_reached(began.elapsed(), table.faults(), load.confirmed()) {
        lasting(Duration::from_millis(200)).await;
    }

    let ledger = load.stop().await;
    table.loaded = began.elapsed();
    println!("{:6.1} s  {} orders are confirmed; the shop settles", table.loaded.as_secs_f64(), ledger.orders.len());
    let books = databases.books();
    let settled = rest(vhost.broker().management(), vhost.name(), &books, ledger.orders.len(), REST).await;
    let heard = ear.close().await;
    (table.resent, table.retries) = (ledger.resent, heard.retries);
    table.findings = audit(&vhost, &books, &ledger, &heard).await.unwrap_or_else(|error| {
        let mut findings = Findings::default();
        findings.note("the books and the broker can be read", vec![error]);
        findings
    });
    match settled {
        Ok(took) => table.settled = took,
        Err(busy) => table.findings.note("the shop comes to rest", vec![busy]),
    }
    table.findings.note("every service consumes again within 5 s", slow);
    table.findings.note("no service ends unasked or badly", crashed);
    table.findings.note("every service stops in good order", fleet.stop().await);
    println!("\n{table}");
    for breach in &table.findings.breaches {
        println!("{breach}");
    }
    let holds = table.findings.breaches.is_empty();
    if !holds {
        // What is left on the broker stays for whoever looks.
        std::mem::forget(vhost);
    }
    target.stop().await;
    databases.stop().await;
    holds
}

/// All that can be broken.
struct Shop<'a> {
    target: &'a Target,
    vhost: &'a Vhost,
    databases: &'a Databases,
    fleet: &'a mut Fleet,
    /// The work queues.
    queues: Vec<String>,
    /// The node of the cluster that is down.
    missing: Option<usize>,
}

impl Shop<'_> {
    /// Lets a fault happen, and returns the moment at which what was broken is there again.
    async fn suffer(&mut self, fault: &Fault) -> Result<Instant, String> {
        let Fault { kind, service, replica, lasts, .. } = *fault;
        let crashed = self.fleet.crashed();
        if !crashed.is_empty() {
            return Err(crashed.join(", "));
        }
        Ok(match kind {
            Kind::KillService => self.fleet.kill(service, replica).await,
            Kind::StopService => {
                let (started, ended) = self.fleet.terminate(service, replica).await;
                if !ended.success() {
                    return Err(format!("{service}-{} was asked to stop and ended with {ended}", replica + 1));
                }
                started
            }
            Kind::KillBroker => self.target.interrupt(self.vhost, false, lasts).await,
            Kind::RestartBroker => self.target.interrupt(self.vhost, true, lasts).await,
            Kind::CloseConnections => self.target.close_connections(self.vhost, service).await,
            Kind::Cut => self.disturb(service, lasts, Proxy::cut, Proxy::open).await,
            Kind::Stall => self.disturb(service, lasts, Proxy::stall, Proxy::flow).await,
            Kind::Delay => self.disturb(service, lasts, |proxy| proxy.delay(LATE), Proxy::flow).await,
            Kind::RestartPostgres => self.databases.interrupt(true, lasts).await,
            Kind::KillPostgres => self.databases.interrupt(false, lasts).await,
            Kind::MemoryAlarm => self.target.run_short_of_memory(lasts).await,
            Kind::KillLeader => {
                let (node, answered) = self.target.kill_leader(self.vhost, self.queues.clone()).await;
                self.missing = Some(node);
                answered
            }
        })
    }

    /// Disturbs the network between a service and the broker for so long; returns the moment at which it was whole again.
    async fn disturb(&self, service: &str, lasts: Duration, begin: fn(&Proxy), end: fn(&Proxy)) -> Instant {
        self.fleet.proxies(service).for_each(begin);
        lasting(lasts).await;
        self.fleet.proxies(service).for_each(end);
        Instant::now()
    }
}

fn longer(one: Result<Duration, String>, other: Result<Duration, String>) -> Result<Duration, String> {
    Ok(one?.max(other?))
}

async fn version(management: &Management) -> String {
    let management = management.clone();
    let overview = blocking(move || management.get("overview")).await.unwrap_or_default();
    overview["rabbitmq_version"].as_str().unwrap_or("of an unknown version").to_owned()
}

//! `cargo xtask bench replay`: how fast `analytics` counts history, beside a bare reader of the same log.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to the person who runs it")]

mod bare;
mod counting;
mod history;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use rabbitmq_node::{ADMINISTRATOR, BrokerChoice, Node, NodeOptions, Ports};
use tests::{Broker, Vhost, exchanges, grant};

use report::Row;

/// Events that `analytics` has to replay each second, on two cores together with the broker.
const BAR: f64 = 20_000.0;
/// What is logged unless the caller says otherwise. All of it, so that the bar means something.
const EVENTS: u64 = 1_000_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let events = match std::env::args().nth(1).map_or(Ok(EVENTS), |text| text.parse()) {
        Ok(events) if events >= history::STEPS => events - events % history::STEPS,
        _ => {
            eprintln!("error: give the number of events, at least {}", history::STEPS);
            return ExitCode::from(64);
        }
    };
    let folder = PathBuf::from(read("BENCH_FOLDER"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the folder of the run");
    let mut node = start(&folder);
    let broker = Broker::at(format!("127.0.0.1:{}", node.amqp_port()), node.management(), ADMINISTRATOR);
    let vhost = Vhost::on(broker, "replay".to_owned());
    grant(&vhost, "analytics");
    exchanges(&vhost, "analytics");
    history::log(&vhost);

    println!("logging {events} events");
    let logged = history::write(&vhost, events).await;
    println!("{}", Row::new("logged, with confirms", events, logged, None));
    let (bare, last) = bare::read(&vhost, events).await;
    println!("{}", Row::new("bare reader", events, bare, None));
    let counting = counting::Counting::start(&vhost, &folder);
    let (counted, cpu) = counting.reaches(last).await;
    let row = Row::new("analytics, from nothing", events, counted, Some(cpu));
    println!("{row}, {:.0} % of the bare reader's pace", 100.0 * bare.as_secs_f64() / counted.as_secs_f64());
    let right = counting.has_counted(&vhost, events / history::STEPS).await;
    let (rebuilt, cpu) = counting.rebuilds(&vhost).await;
    println!("{}", Row::new("analytics, a rebuild", events, rebuilt, Some(cpu)));
    drop(counting);
    drop(vhost);
    node.stop().expect("the broker stops");

    let fast = row.rate() >= BAR && pace(events, rebuilt) >= BAR;
    println!("bar: {BAR:.0} events/s: {}", if fast { "reached" } else { "missed" });
    if right && fast { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn pace(events: u64, took: Duration) -> f64 {
    Row::new("", events, took, None).rate()
}

fn start(folder: &std::path::Path) -> Node {
    let choice: BrokerChoice = read("BENCH_BROKER").parse().expect("BENCH_BROKER names a broker");
    let brokers = PathBuf::from(read("BENCH_BROKERS_DIR"));
    let installation = choice.installation(&brokers, &mut |line| eprintln!("{line}"));
    let installation = installation.unwrap_or_else(|error| panic!("{error}"));
    println!("RabbitMQ {}", installation.version().unwrap_or_default());
    let ports = Ports::free().expect("free ports");
    let options = NodeOptions { ports: Some(ports), ..NodeOptions::new(folder.join("broker")) };
    Node::start(&installation, &options).unwrap_or_else(|error| panic!("{error}"))
}

fn read(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this with `cargo xtask bench replay`"))
}

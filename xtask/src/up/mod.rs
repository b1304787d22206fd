//! `cargo xtask up`: the broker, every service, one stream of logs, and an orderly end.

mod banner;
mod broker;
mod fleet;
mod log;
mod plan;
mod replica;

use std::env;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use crate::arguments::UpOptions;
use crate::build;
use crate::claim::Claim;
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::workspace;
use broker::{Broker, Source};
use fleet::Fleet;
use log::Log;
use plan::Plan;

/// How often the state of the processes is looked at.
const POLL: Duration = Duration::from_millis(100);
/// What a shell reports for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Runs until Ctrl-C, SIGTERM or a failure.
pub(crate) fn run(options: &UpOptions) -> Result<ExitCode, Failure> {
    let log = Log::new();
    // What is wrong with the command line or the machine is said before minutes of building.
    let services = plan::services(options)?;
    let source = Source::find(options, &log)?;
    if !options.broker_only {
        log.line("building");
        build::programs(options.release)?;
    }
    let started = Instant::now();
    let claim = Claim::take(&workspace::target().join("up"))?;
    let mut interrupts = Interrupts::catch()?;
    let mut broker = Broker::start(source, &claim.path().join("broker"), options, &log)?;
    let plan = Plan::make(&services, options, &broker, &claim.path().join("data"))?;
    let mut fleet = Fleet::start(&plan, options.release, &log)?;
    let outcome = watch(&plan, &mut fleet, &mut broker, &mut interrupts, &log, started);
    if !plan.replicas.is_empty() {
        log.line("draining the services (Ctrl-C kills them)");
        fleet.drain(&mut interrupts, &log);
    }
    broker.stop(&log)?;
    outcome
}

/// Until everything is ready, an early exit is the end; afterwards it is only reported.
fn watch(
    plan: &Plan,
    fleet: &mut Fleet,
    broker: &mut Broker,
    interrupts: &mut Interrupts,
    log: &Log,
    started: Instant,
) -> Result<ExitCode, Failure> {
    let mut ready = false;
    loop {
        if interrupts.count() > 0 {
            return Ok(if ready { ExitCode::SUCCESS } else { ExitCode::from(INTERRUPTED) });
        }
        if let Some(status) = broker.crashed() {
            return Err(Failure::new(format!("RabbitMQ ended by itself: {status}")));
        }
        for (name, status) in fleet.ended() {
            if !ready {
                return Err(Failure::new(format!("{name} ended before it was ready: {status}")));
            }
            log.line(&format!("{name} ended: {status}; the others go on"));
        }
        if !ready {
            ready = fleet.all_ready(started)?;
            if ready {
                log.block(&banner::text(plan, broker, started.elapsed()));
            }
        }
        thread::sleep(POLL);
    }
}

/// What the caller's environment says about the broker: the address of one that is there, to be used instead of a private node.
fn broker_of_environment() -> Option<String> {
    env::var("AMQP_URL").ok().filter(|url| !url.is_empty())
}

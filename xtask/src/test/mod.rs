//! `cargo xtask test`: every suite in order, what they need on the machine, and a table at the end.

mod broker;
mod browser;
mod chaos;
mod clients;
mod pods;
mod postgres;
mod report;
mod suite;
mod target;

use std::env;
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::arguments::TestOptions;
use crate::failure::Failure;
use crate::{build, definitions, workspace};
use report::{Outcome, Report};
pub(crate) use suite::SuiteName;
use target::{OWN_NODE, Source, Target};

/// The modules whose tests need a browser, and Mosquitto's client.
const PAGE: &str = "page::";
const MOSQUITTO: &str = "interop::mosquitto::";

/// Runs the chosen suites. A failed suite does not keep the others from running; only a failed build does.
pub(crate) fn run(options: &TestOptions) -> Result<ExitCode, Failure> {
    let suites: Vec<SuiteName> =
        SuiteName::ALL.into_iter().filter(|suite| options.only.is_empty() || options.only.contains(suite)).collect();
    let pipeline = env::var("CI").is_ok_and(|value| value == "true");
    let mut report = Report::new(pipeline);
    let targets = if suites.iter().any(|suite| suite.needs_rabbitmq()) {
        Target::all(options, pipeline, &mut |line| println!("{line}"))
    } else {
        Vec::new()
    };
    let for_all_suites = |target: &&Target| !target.only_end_to_end();
    let mut built = true;
    for suite in suites {
        println!("\n── {suite} ──");
        if !built && suite.needs_programs() {
            report.add(suite.to_string(), Outcome::Skipped("the build failed".to_owned()), Instant::now());
            continue;
        }
        let started = Instant::now();
        let mut parts = Vec::new();
        let result = match suite {
            SuiteName::Format => build::run(&mut build::cargo(&["fmt", "--all", "--check"])),
            SuiteName::Tidy => {
                build::run(&mut build::cargo(&["test", "--package", "tests", "--lib", "--test", "tidy"]))
            }
            SuiteName::Clippy => {
                // With the feature of the fuzzer, whose crate is not of the workspace: nobody else compiles its entry.
                let all = ["--workspace", "--all-targets", "--features", "garenne/fuzzing"];
                build::run(build::cargo(&["clippy"]).args(all).args(["--", "-D", "warnings"]))
            }
            SuiteName::Build => build::programs(false),
            SuiteName::Definitions => {
                definitions::run(true).and_then(|()| import(targets.iter().filter(for_all_suites), &mut parts))
            }
            SuiteName::Unit => unit(options, &targets[0], &mut parts),
            // These two have a row for each broker.
            SuiteName::EndToEnd => {
                targets.iter().for_each(|target| report_end_to_end(options, target, &mut report));
                continue;
            }
            SuiteName::Chaos => {
                targets.iter().filter(for_all_suites).for_each(|target| chaos::report(target, &mut report));
                continue;
            }
            SuiteName::Pods => {
                report.add(suite.to_string(), pods::outcome(), started);
                continue;
            }
        };
        built &= suite != SuiteName::Build || result.is_ok();
        report.add(suite.to_string(), outcome(result), started);
        report_missing(&suite.to_string(), parts, &mut report);
    }
    print!("\n{report}");
    Ok(if report.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn outcome(result: Result<(), Failure>) -> Outcome {
    result.map_or_else(|failure| Outcome::Failed(failure.to_string()), |()| Outcome::Passed)
}

/// What a part of a suite lacks: the part, and why it could not be had.
type Missing = Vec<(String, String)>;

fn report_missing(suite: &str, parts: Missing, report: &mut Report) {
    for (part, reason) in parts {
        report.add(format!("{suite}: {part}"), Outcome::Skipped(reason), Instant::now());
    }
}

/// Whether a blank broker of each kind really takes the whole generated file.
fn import<'a>(targets: impl Iterator<Item = &'a Target>, missing: &mut Missing) -> Result<(), Failure> {
    for target in targets {
        match target.installation() {
            Ok(installation) => broker::import(installation)?,
            Err(reason) => missing.push((format!("import {target}"), reason)),
        }
    }
    Ok(())
}

fn unit(options: &TestOptions, target: &Target, missing: &mut Missing) -> Result<(), Failure> {
    // One run tells all that is broken.
    let mut command = build::cargo(&["test", "--no-fail-fast", "--workspace", "--exclude", "tests"]);
    command.envs(target.environment());
    if let Err(reason) = target.installation() {
        missing.push(("the private node".to_owned(), reason));
        command.args(["--exclude", "rabbitmq-node"]);
    }
    if let Err(reason) = postgres_node::Installation::find_or_install(&mut |line| println!("{line}")) {
        missing.push(("the private PostgreSQL".to_owned(), reason.to_string()));
        command.args(["--exclude", "postgres-node"]);
    }
    command.arg("--").args(&options.arguments);
    build::run(&mut command)
}

/// A row for the broker, and one for each part that could not run on it.
fn report_end_to_end(options: &TestOptions, target: &Target, report: &mut Report) {
    let row = format!("{} {target}", SuiteName::EndToEnd);
    println!("{row}");
    let started = Instant::now();
    let mut parts = Vec::new();
    match target.source() {
        Ok(source) => report.add(row.clone(), outcome(end_to_end(options, target, source, &mut parts)), started),
        Err(reason) => report.add(row.clone(), Outcome::Skipped(reason.to_owned()), started),
    }
    report_missing(&row, parts, report);
}

fn end_to_end(options: &TestOptions, target: &Target, source: &Source, missing: &mut Missing) -> Result<(), Failure> {
    build::programs(false)?;
    let mut command = build::cargo(&["test", "--workspace", "--test", "end-to-end", "--"]);
    command.args(&options.arguments).env("TEST_BIN_DIR", workspace::programs(false)).envs(target.environment());
    if options.arguments.is_empty() {
        command.args(target.filter());
    }
    if let Err(reason) = target.installation() {
        missing.push(("nodes of the tests' own".to_owned(), reason));
        command.args(["--skip", OWN_NODE]);
    }
    let mut progress = |line: &str| println!("{line}");
    match clients::python(&mut progress) {
        Ok(python) => drop(command.env("TEST_PYTHON", python)),
        Err(reason) => {
            missing.push(("clients in Python".to_owned(), reason.to_string()));
            skip(&mut command, clients::IN_PYTHON);
        }
    }
    match clients::node(&mut progress) {
        Ok(node) => drop(command.env("TEST_NODE", node)),
        Err(reason) => {
            missing.push(("clients in Node".to_owned(), reason.to_string()));
            skip(&mut command, clients::IN_NODE.map(|(_, suite)| suite));
        }
    }
    for (suite, reason) in target.without() {
        println!("left out: {suite} ({reason})");
        skip(&mut command, [*suite]);
    }
    if let Source::Given(_) = source {
        missing.push(("MQTT".to_owned(), "nobody knows how a given broker hears devices".to_owned()));
        skip(&mut command, clients::OVER_MQTT);
    } else {
        match clients::mosquitto(&mut progress) {
            Ok(program) => drop(command.env("TEST_MOSQUITTO_PUB", program)),
            Err(reason) => {
                missing.push(("Mosquitto".to_owned(), reason.to_string()));
                skip(&mut command, [MOSQUITTO]);
            }
        }
    }
    match browser::find_or_install(&mut progress) {
        Ok(browser) => {
            command.env("TEST_CHROMEDRIVER", browser.driver).env("TEST_CHROMIUM", browser.program);
        }
        Err(reason) => {
            missing.push(("the page in a browser".to_owned(), reason.to_string()));
            command.args(["--skip", PAGE]);
        }
    }
    let postgres = postgres::TestPostgres::start(&mut progress);
    match &postgres {
        Ok(server) => drop(command.envs([server.environment()])),
        Err(reason) => missing.push(("stores on PostgreSQL".to_owned(), reason.to_string())),
    }
    let mut broker = broker::TestBroker::start(source)?;
    command.envs(broker.environment());
    let result = build::run(&mut command);
    broker.stop()?;
    result
}

/// Leaves out the tests whose names contain one of these.
fn skip(command: &mut Command, suites: impl IntoIterator<Item = &'static str>) {
    for suite in suites {
        command.args(["--skip", suite]);
    }
}

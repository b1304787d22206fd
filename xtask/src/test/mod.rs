//! `cargo xtask test`: every suite in order, what they need on the machine, and a table at the end.

mod broker;
mod browser;
mod clients;
mod report;
mod suite;

use std::env;
use std::process::ExitCode;
use std::time::Instant;

use rabbitmq_node::Installation;

use crate::arguments::TestOptions;
use crate::failure::Failure;
use crate::{build, definitions, workspace};
use report::{Outcome, Report};
pub(crate) use suite::SuiteName;

/// Runs the chosen suites. A failed suite does not keep the others from running; only a failed build does.
pub(crate) fn run(options: &TestOptions) -> Result<ExitCode, Failure> {
    let suites: Vec<SuiteName> =
        SuiteName::ALL.into_iter().filter(|suite| options.only.is_empty() || options.only.contains(suite)).collect();
    let mut report = Report::new(env::var("CI").is_ok_and(|value| value == "true"));
    let rabbitmq = if suites.iter().any(|suite| suite.needs_rabbitmq()) {
        workspace::rabbitmq(options.rabbitmq.as_deref(), &mut |line| println!("{line}"))
            .map_err(|error| error.to_string())
    } else {
        Err("not needed".to_owned())
    };
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
                build::run(&mut build::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
            }
            SuiteName::Build => build::programs(false),
            SuiteName::Definitions => definitions::run(true).and_then(|()| import(rabbitmq.as_ref().ok(), &mut parts)),
            SuiteName::Unit => unit(options, rabbitmq.is_ok(), &mut parts),
            SuiteName::EndToEnd => match &rabbitmq {
                Ok(installation) => end_to_end(options, installation, &mut parts),
                Err(reason) => {
                    report.add(suite.to_string(), Outcome::Skipped(reason.clone()), started);
                    continue;
                }
            },
        };
        built &= suite != SuiteName::Build || result.is_ok();
        report.add(
            suite.to_string(),
            result.map_or_else(|failure| Outcome::Failed(failure.to_string()), |()| Outcome::Passed),
            started,
        );
        for (part, reason) in parts {
            report.add(format!("{suite}: {part}"), Outcome::Skipped(reason), Instant::now());
        }
    }
    print!("\n{report}");
    Ok(if report.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a part of a suite lacks: the part, and why it could not be had.
type Missing = Vec<(&'static str, String)>;

/// Whether a blank broker really takes the whole generated file.
fn import(rabbitmq: Option<&Installation>, missing: &mut Missing) -> Result<(), Failure> {
    match rabbitmq {
        Some(installation) => broker::import(installation),
        None => {
            missing.push(("import", "no RabbitMQ".to_owned()));
            Ok(())
        }
    }
}

fn unit(options: &TestOptions, rabbitmq: bool, missing: &mut Missing) -> Result<(), Failure> {
    let mut command = build::cargo(&["test", "--workspace", "--exclude", "tests"]);
    if !rabbitmq {
        missing.push(("the private node", "no RabbitMQ".to_owned()));
        command.args(["--exclude", "rabbitmq-node"]);
    }
    command.arg("--").args(&options.arguments);
    build::run(&mut command)
}

fn end_to_end(options: &TestOptions, rabbitmq: &Installation, missing: &mut Missing) -> Result<(), Failure> {
    build::programs(false)?;
    let mut command = build::cargo(&["test", "--workspace", "--test", "end-to-end", "--"]);
    command.args(&options.arguments).env("TEST_BIN_DIR", workspace::programs(false));
    let mut progress = |line: &str| println!("{line}");
    match clients::python(&mut progress) {
        Ok(python) => drop(command.env("TEST_PYTHON", python)),
        Err(reason) => {
            missing.push(("clients in Python", reason.to_string()));
            command.args(["--skip", "foreign::"]);
        }
    }
    match browser::find_or_install(&mut progress) {
        Ok(browser) => {
            command.env("TEST_CHROMEDRIVER", browser.driver).env("TEST_CHROMIUM", browser.program);
        }
        Err(reason) => {
            missing.push(("the page in a browser", reason.to_string()));
            command.args(["--skip", "page::"]);
        }
    }
    let mut broker = broker::TestBroker::start(rabbitmq)?;
    command.envs(broker.environment());
    let result = build::run(&mut command);
    broker.stop()?;
    result
}

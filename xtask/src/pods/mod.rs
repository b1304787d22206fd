//! `cargo xtask pods`: every module in a pod of its own, by podman, from images that are built here; `tests/pods` places orders, breaks
//! things and audits.

mod engine;
mod image;
mod options;
mod root;
mod servers;
mod trial;

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use machine::poll;

use crate::claim::Claim;
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::{build, workspace};
use engine::Engine;
pub(crate) use options::{PodsOptions, parse};

/// How often it is looked whether the trial of the pods has ended.
const POLL: Duration = Duration::from_millis(100);
/// How long a trial that was interrupted may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(10);
/// How long the trial itself may take, once everything is built.
const BAR: Duration = Duration::from_secs(360);
/// With this in the environment, a machine that runs no containers has failed.
const REQUIRED: &str = "PODS_REQUIRED";

/// What came of it, where nothing went wrong.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    /// Pods were run, and every law holds.
    Holds,
    /// This machine runs no containers, for this reason.
    Impossible(String),
}

/// Builds, runs, audits and takes down.
pub(crate) fn run(options: &PodsOptions) -> Result<Tried, Failure> {
    let required = env::var(REQUIRED).is_ok_and(|value| value == "true");
    if let Some(reason) = trial::impossible() {
        return cannot(reason.to_owned(), required);
    }
    let mut progress = |line: &str| println!("{line}");
    trial::install(&mut progress)?;
    // Ctrl-C ends what is called, and then what was begun is taken down here.
    let mut interrupts = Interrupts::catch()?;
    let claim = Claim::take(&workspace::target().join("pods"))?;
    let folder =
        std::path::absolute(claim.path()).map_err(Failure::because("cannot resolve the folder of the pods"))?;
    let engine = Engine::begin(&folder)?;
    let tried = match trial::run(&engine) {
        Ok(()) => attempt(options, &engine, &mut interrupts, &mut progress).map(|()| Tried::Holds),
        Err(words) => cannot(format!("a container that does nothing cannot be run here: {words}"), required),
    };
    if options.keep && tried.as_ref().is_ok_and(|tried| *tried == Tried::Holds) {
        let settings: Vec<String> =
            engine.environment().iter().map(|(name, file)| format!("{name}={}", file.display())).collect();
        println!("the pods go on: {} podman pod ps\nthe next `cargo xtask pods` ends them", settings.join(" "));
        return tried;
    }
    let down = engine.take_down();
    tried.and_then(|tried| down.map(|()| tried))
}

/// It may be this machine, or our own settings: who knows that the machine can, says so.
fn cannot(reason: String, required: bool) -> Result<Tried, Failure> {
    if required { Err(Failure::new(format!("{reason} ({REQUIRED}=true)"))) } else { Ok(Tried::Impossible(reason)) }
}

fn in_time(took: Duration) -> Result<(), Failure> {
    let (took, bar) = (took.as_secs_f64(), BAR.as_secs_f64());
    if took > bar { Err(Failure::new(format!("the trial took {took:.0} s, and may take {bar} s"))) } else { Ok(()) }
}

fn attempt(
    options: &PodsOptions,
    engine: &Engine,
    interrupts: &mut Interrupts,
    progress: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    let programs = static_programs()?;
    let mut tests = build::cargo(&["test", "--package", "tests", "--test", "pods"]);
    build::run(build::cargo(&["test", "--package", "tests", "--test", "pods", "--no-run"]).arg("--quiet"))?;
    let started = Instant::now();
    let mut images = Vec::new();
    for service in workspace::services()? {
        images.push(image::of_service(engine, &service, &programs)?);
    }
    images.extend(servers::images(engine, progress)?);
    println!("{}built in {:.1} s\n", image::table(&images), started.elapsed().as_secs_f64());
    tests
        .envs(engine.environment())
        .env("PODS_FOLDER", engine.folder())
        .env("PODS_LOGS", workspace::target().join("pods-logs"))
        .env("PODS_ORDERS_PER_SECOND", options.orders_per_second.to_string())
        .env("PODS_TIMED", options.timed.to_string());
    let began = Instant::now();
    attend(&mut tests, interrupts)?;
    if options.timed { in_time(began.elapsed()) } else { Ok(()) }
}

/// Builds every service with the C library in it, in a folder of its own: other builds keep what they have.
fn static_programs() -> Result<PathBuf, Failure> {
    let host = host()?;
    let folder = workspace::target().join("static");
    let mut command = build::cargo(&["build", "--release", "--target", &host]);
    for service in workspace::services()? {
        command.args(["--package", &service]);
    }
    command.env("CARGO_TARGET_DIR", &folder).env("RUSTFLAGS", "-C target-feature=+crt-static");
    build::run(&mut command)?;
    Ok(folder.join(host).join("release"))
}

fn host() -> Result<String, Failure> {
    let output = Command::new("rustc").arg("-vV").output().map_err(Failure::because("cannot run rustc"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).ok_or_else(|| Failure::new("rustc does not say what it builds for"))
}

/// Runs a command until it ends, or until an interrupt and a while.
fn attend(command: &mut Command, interrupts: &mut Interrupts) -> Result<(), Failure> {
    let mut child = command.spawn().map_err(Failure::because("cannot run cargo"))?;
    loop {
        if let Some(status) = child.try_wait().map_err(Failure::because("cannot wait for cargo"))? {
            return if status.success() { Ok(()) } else { Err(Failure::new("the trial of the pods has failed")) };
        }
        if interrupts.count() > 0 {
            poll(FAREWELL, || child.try_wait().is_ok_and(|ended| ended.is_some()));
            return Err(Failure::new("interrupted"));
        }
        thread::sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Tried, cannot, in_time};

    #[test]
    fn a_machine_without_containers_has_failed_only_where_they_are_required() {
        assert_eq!(cannot("no namespaces".to_owned(), false).ok(), Some(Tried::Impossible("no namespaces".to_owned())));
        let failure = cannot("no namespaces".to_owned(), true).unwrap_err().to_string();
        assert!(failure.contains("no namespaces") && failure.contains("PODS_REQUIRED"), "{failure}");
    }

    #[test]
    fn a_trial_that_takes_longer_than_six_minutes_has_failed() {
        assert!(in_time(Duration::from_secs(360)).is_ok());
        assert!(in_time(Duration::from_millis(360_001)).unwrap_err().to_string().contains("may take 360 s"));
    }
}

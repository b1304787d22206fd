//! All running services.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use super::POLL;
use super::log::Log;
use super::plan::Plan;
use super::replica::Process;
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::workspace;

/// How long the services may take until all of them are ready.
const READY: Duration = Duration::from_secs(60);
/// How long the services may take to stop. A service drains for at most `DRAIN_SECONDS` (25 unless the caller says
/// otherwise) and may take 15 seconds more to hand back, confirm and close.
const STOP: Duration = Duration::from_secs(45);

/// Every replica's process.
#[derive(Debug)]
pub(super) struct Fleet {
    members: Vec<Member>,
    agent: ureq::Agent,
}

#[derive(Debug)]
struct Member {
    name: String,
    admin: SocketAddr,
    process: Process,
    ready: bool,
    reported: bool,
}

impl Fleet {
    /// Starts every replica of the plan.
    pub(super) fn start(plan: &Plan, release: bool, log: &Log) -> Result<Self, Failure> {
        let width = plan.replicas.iter().map(|replica| replica.name.len()).max().unwrap_or(0);
        let programs = workspace::programs(release);
        let mut members = Vec::new();
        for (number, replica) in plan.replicas.iter().enumerate() {
            let writer = log.writer(&replica.name, width, number);
            let process = Process::start(replica, &programs, *log, &writer)?;
            let (name, admin) = (replica.name.clone(), replica.admin);
            members.push(Member { name, admin, process, ready: false, reported: false });
        }
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_millis(500)))
            .proxy(None)
            .build()
            .new_agent();
        Ok(Self { members, agent })
    }

    /// Who has ended since the last call, and how.
    pub(super) fn ended(&mut self) -> Vec<(String, String)> {
        let mut ended = Vec::new();
        for member in self.members.iter_mut().filter(|member| !member.reported) {
            if let Some(status) = member.process.ended() {
                member.process.flush();
                member.reported = true;
                ended.push((member.name.clone(), status.to_string()));
            }
        }
        ended
    }

    /// Whether every replica has said that it is ready. Fails when they take longer than a minute.
    pub(super) fn all_ready(&mut self, started: Instant) -> Result<bool, Failure> {
        for member in self.members.iter_mut().filter(|member| !member.ready) {
            member.ready = self.agent.get(format!("http://{}/readyz", member.admin)).call().is_ok();
        }
        let waiting: Vec<&str> =
            self.members.iter().filter(|member| !member.ready).map(|member| member.name.as_str()).collect();
        if !waiting.is_empty() && started.elapsed() > READY {
            return Err(Failure::new(format!("not ready after {READY:?}: {}", waiting.join(", "))));
        }
        Ok(waiting.is_empty())
    }

    /// Asks every service to drain, and kills what is left after [`STOP`] or at another interrupt.
    pub(super) fn drain(&mut self, interrupts: &mut Interrupts, log: &Log) {
        let deadline = Instant::now() + STOP;
        let before = interrupts.count();
        for member in &mut self.members {
            member.process.terminate();
        }
        while self.members.iter_mut().any(|member| member.process.ended().is_none()) {
            if Instant::now() >= deadline || interrupts.count() > before {
                break;
            }
            thread::sleep(POLL);
        }
        for member in &mut self.members {
            if member.process.ended().is_none() {
                log.line(&format!("killing {}, which has not drained", member.name));
                member.process.kill();
            }
            member.process.flush();
        }
    }
}

//! One running process of a service.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use machine::packages::in_path;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::log::{Log, Writer};
use super::plan;
use crate::failure::Failure;

/// A process of ours, in its own process group. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    ended: Option<ExitStatus>,
    output: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts a replica; its output goes to the log.
    pub(super) fn start(replica: &plan::Replica, programs: &Path, log: Log, writer: &Writer) -> Result<Self, Failure> {
        use std::os::unix::process::CommandExt as _;

        let program = programs.join(&replica.service);
        // Where util-linux is present, the kernel asks the services to drain when xtask itself is killed.
        let mut command = match in_path("setpriv") {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "TERM", "--"]).arg(&program);
                command
            }
            None => Command::new(&program),
        };
        let mut child = command
            .envs(replica.environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C reaches xtask alone, which then drains.
            .process_group(0)
            .spawn()
            .map_err(Failure::because(format!("cannot start {}", program.display())))?;
        let mut output = Vec::new();
        output.extend(child.stdout.take().map(|stdout| log.copy(writer.clone(), stdout)));
        output.extend(child.stderr.take().map(|stderr| log.copy(writer.clone(), stderr)));
        Ok(Self { child, ended: None, output })
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// Asks it to drain.
    pub(super) fn terminate(&mut self) {
        // Not reaped yet, so the id is still its own.
        if self.ended().is_none() {
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        }
    }

    /// Kills it and whatever it has started.
    pub(super) fn kill(&mut self) {
        if self.ended().is_none() {
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            self.ended = self.child.wait().ok();
        }
    }

    /// Waits until its last lines are in the log.
    pub(super) fn flush(&mut self) {
        for reader in self.output.drain(..) {
            let _ = reader.join();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

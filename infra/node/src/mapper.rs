//! The port mapper of one cluster: an epmd of its own, on loopback and on a free port.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};

use machine::{poll, ports};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::process::{DEATH, accepts};
use crate::{Error, Installation};

/// Ends epmd when its own standard input ends: when it is asked to stop, or when the owner of the pipe is gone, however that died.
const SCRIPT: &str = r#"
"$1" -port "$2" -address 127.0.0.1 &
read -r _
kill "$!"
wait "$!"
"#;

/// A running epmd. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Mapper {
    child: Child,
    /// Never written to; see [`SCRIPT`].
    stdin: Option<ChildStdin>,
    port: u16,
}

impl Mapper {
    /// Starts epmd and waits until it accepts.
    pub(crate) fn start(installation: &Installation) -> Result<Self, Error> {
        let (port, program) = (ports::free()?, installation.epmd());
        let mut child = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "epmd"])
            .arg(&program)
            .arg(port.to_string())
            .env_clear()
            .env("PATH", installation.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(Error::io("run", &program))?;
        let mapper = Self { stdin: child.stdin.take(), child, port };
        if poll(DEATH, || accepts(port)) { Ok(mapper) } else { Err(Error::NoMapper { program, port }) }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Mapper {
    fn drop(&mut self) {
        self.stdin = None;
        if !poll(DEATH, || self.child.try_wait().is_ok_and(|status| status.is_some())) {
            // Not reaped yet, so the id is still its own.
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

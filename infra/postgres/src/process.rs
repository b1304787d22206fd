//! The operating system's side of a server: start it, signal it, know whether it is gone.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::time::Duration;

use machine::poll;
use rustix::process::{Pid, Signal, kill_process};

use crate::account::Account;
use crate::directory::Directory;
use crate::{Error, Installation};

/// How long PostgreSQL gets for an orderly stop.
const GRACE: Duration = Duration::from_secs(20);
/// How long the system gets to remove killed processes.
const DEATH: Duration = Duration::from_secs(10);

/// Reads standard input until it ends, which is when the owner of the pipe is gone, however that died. Then stops the server, if the
/// file still names the one that was meant.
const STOP_AT_END_OF_INPUT: &str = r#"read -r _; if [ "$(head -n 1 "$2")" = "$1" ]; then kill -INT "$1"; fi"#;

/// A running postmaster, and who stops it when its owner is gone.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    data: PathBuf,
    watcher: Child,
    /// Never written to; see [`STOP_AT_END_OF_INPUT`].
    _owner: Option<ChildStdin>,
}

impl Process {
    /// Starts PostgreSQL on a port of 127.0.0.1, as the leader of its own process group: Ctrl-C in a terminal does not reach it.
    pub(crate) fn start(
        installation: &Installation,
        directory: &Directory,
        account: Account,
        port: u16,
    ) -> Result<Self, Error> {
        let log = directory.log();
        let output = File::options().create(true).append(true).open(&log).map_err(Error::io("create", &log))?;
        let errors = output.try_clone().map_err(Error::io("open", &log))?;
        let program = installation.program("postgres");
        let data = directory.data();
        let mut command = account.command(&program);
        command.arg("-D").arg(&data).args(["-p", &port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=on",
            "synchronous_commit=on",
            "max_connections=200",
            "shared_buffers=64MB",
            "log_line_prefix=%m [%p] ",
        ] {
            command.args(["-c", setting]);
        }
        command.current_dir("/").stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0);
        let child = command.spawn().map_err(Error::io("run", &program))?;
        let shell = Path::new("/bin/sh");
        let watcher = account
            .command(shell)
            .args(["-c", STOP_AT_END_OF_INPUT, "watcher", &child.id().to_string()])
            .arg(data.join("postmaster.pid"))
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        match watcher {
            Ok(mut watcher) => Ok(Self { child, data, _owner: watcher.stdin.take(), watcher }),
            Err(error) => {
                end_all(&data)?;
                Err(Error::io("run", shell)(error))
            }
        }
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Asks it to end its connections and to stop; when that takes longer than 20 seconds, kills it.
    pub(crate) fn stop(&mut self) -> Result<(), Error> {
        if self.ended().is_none() {
            let _ = kill_process(Pid::from_child(&self.child), Signal::INT);
            poll(GRACE, || self.ended().is_some());
        }
        self.kill()
    }

    /// Ends the postmaster and every process of its own at once, as a power failure would.
    pub(crate) fn kill(&mut self) -> Result<(), Error> {
        // First of all, so that it never signals a stranger who has got the postmaster's id.
        let _ = self.watcher.kill();
        let _ = self.watcher.wait();
        // The child is not reaped before `ended` says so: the id cannot belong to anybody else.
        if self.ended().is_none() {
            let _ = kill_process(Pid::from_child(&self.child), Signal::KILL);
        }
        let gone = poll(DEATH, || self.ended().is_some());
        end_all(&self.data)?;
        if gone { Ok(()) } else { Err(Error::NotStopped { data: self.data.clone(), deadline: DEATH }) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// Kills every process that works in this data folder, whoever has started it: each has a session of its own, so that no signal reaches
/// all of them, and a postmaster does not start while one is left.
pub(crate) fn end_all(data: &Path) -> Result<(), Error> {
    let gone = poll(DEATH, || {
        let left = working_in(data);
        for pid in &left {
            let _ = kill_process(*pid, Signal::KILL);
        }
        left.is_empty()
    });
    if gone { Ok(()) } else { Err(Error::NotStopped { data: data.to_owned(), deadline: DEATH }) }
}

/// PostgreSQL's processes have the data folder as their working directory.
fn working_in(data: &Path) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder == data))
        .filter(|pid| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim_end() == "postgres"))
        .filter_map(Pid::from_raw)
        .collect()
}

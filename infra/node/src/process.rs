//! The operating system's side of a node: start it, signal it, know whether it is gone.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use machine::poll;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::directory::Directory;
use crate::distribution::Distribution;
use crate::ports::Ports;
use crate::{Error, Installation};

/// How long RabbitMQ gets for an orderly stop.
const GRACE: Duration = Duration::from_secs(20);
/// How long the system gets to remove a killed process.
pub(crate) const DEATH: Duration = Duration::from_secs(10);

/// Reads standard input until it ends: when the node is asked to stop, or when the owner of the pipe is gone, however that died.
/// The handler goes first because RabbitMQ otherwise waits five seconds for itself: it asks the application controller for something
/// while that stops the application.
const STOP_AT_END_OF_INPUT: &str = "spawn(fun() -> io:get_line([]), \
    catch gen_event:delete_handler(rabbit_event, rabbit_mgmt_db_handler, []), init:stop() end).";

/// A running Erlang machine with RabbitMQ in it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Never written to; see [`STOP_AT_END_OF_INPUT`].
    stdin: Option<ChildStdin>,
}

impl Process {
    /// Starts RabbitMQ in its directory, as the leader of its own process group: Ctrl-C in a terminal does not reach it.
    pub(crate) fn start(
        installation: &Installation,
        directory: &Directory,
        name: &str,
        ports: Ports,
        distribution: &Distribution,
    ) -> Result<Self, Error> {
        let console = directory.log().join("console.log");
        let output = File::create(&console).map_err(Error::io("create", &console))?;
        let errors = output.try_clone().map_err(Error::io("open", &console))?;
        let mut command = Command::new(installation.server());
        // The caller's RABBITMQ_* and ERL_* variables are meant for another node.
        command.env_clear().envs(std::env::vars_os().filter(|(key, _)| key == "LANG"));
        let root = directory.root();
        command
            .current_dir(root)
            .env("PATH", installation.path())
            .env("HOME", root)
            .env("RABBITMQ_NODENAME", name)
            .env("RABBITMQ_CONFIG_FILE", directory.configuration())
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", root.join("advanced.config"))
            .env("RABBITMQ_CONF_ENV_FILE", root.join("rabbitmq-env.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", directory.enabled_plugins())
            .env("RABBITMQ_GENERATED_CONFIG_DIR", root.join("generated"))
            .env("RABBITMQ_MNESIA_BASE", directory.data())
            .env("RABBITMQ_LOG_BASE", directory.log())
            .env("RABBITMQ_LOGS", directory.log().join("rabbitmq.log"))
            .env("ERL_CRASH_DUMP", directory.log().join("erl_crash.dump"))
            // The script then becomes the Erlang machine instead of waiting for it, and lets it read its standard input.
            .env("RABBITMQ_ALLOW_INPUT", "1")
            .args(["-noshell", "-eval", STOP_AT_END_OF_INPUT])
            .args(["-sname", name])
            // Idle schedulers sleep at once instead of spinning.
            .args(["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"])
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .process_group(0);
        distribution.apply(&mut command, ports);
        let mut child = command.spawn().map_err(Error::io("run", installation.server()))?;
        let process = Self { stdin: child.stdin.take(), child };
        Directory::write(&directory.pid_file(), &process.child.id().to_string())?;
        Ok(process)
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Asks a booted RabbitMQ to stop; when it takes longer than 20 seconds, kills it.
    pub(crate) fn stop(&mut self) -> Result<(), Error> {
        if self.ended().is_none() {
            self.stdin = None;
            if self.ends_within(GRACE) {
                return Ok(());
            }
        }
        self.kill()
    }

    /// Ends it without any farewell, as a power failure would.
    pub(crate) fn kill(&mut self) -> Result<(), Error> {
        // The child is not reaped before `ended` says so: the id cannot belong to anybody else.
        if self.ended().is_none() {
            let _ = kill_process_group(self.pid(), Signal::KILL);
            if !self.ends_within(DEATH) {
                return Err(Error::NotStopped { pid: self.child.id(), deadline: DEATH });
            }
        }
        Ok(())
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn ends_within(&mut self, limit: Duration) -> bool {
        poll(limit, || self.ended().is_some())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// Kills what an earlier owner left running in this directory, if anything. A process is ours when its environment names the directory
/// as its home; where the system does not show that, nothing is touched.
pub(crate) fn kill_stale(directory: &Directory) -> Result<(), Error> {
    let file = directory.pid_file();
    let Some(pid) = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse::<i32>().ok()) else {
        return Ok(());
    };
    if let Some(stale) = Pid::from_raw(pid).filter(|_| has_home(pid, directory.root())) {
        let _ = kill_process(stale, Signal::KILL);
        if !poll(DEATH, || !has_home(pid, directory.root())) {
            return Err(Error::NotStopped { pid: pid.unsigned_abs(), deadline: DEATH });
        }
    }
    fs::remove_file(&file).map_err(Error::io("remove", &file))
}

fn has_home(pid: i32, home: &Path) -> bool {
    let variable = [b"HOME=", home.as_os_str().as_encoded_bytes()].concat();
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|entry| entry == variable))
}

/// Whether somebody accepts on a port of loopback.
pub(crate) fn accepts(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}

//! One private server: start, address, outage, stop.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use machine::{last_lines, ports};

use crate::account::Account;
use crate::directory::Directory;
use crate::process::{self, Process};
use crate::{Error, Installation};

/// User and password of the superuser that every private server has.
pub const ADMINISTRATOR: (&str, &str) = ("garenne", "garenne");

/// The database that every server has from the start.
const FIRST_DATABASE: &str = "postgres";

/// How a server is to be started.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where everything of this server lies; made when missing. One server per directory. When root starts it and the server's user
    /// cannot enter a folder above, another one is used: [`Server::directory`] tells which.
    pub directory: PathBuf,
    /// Its port; a free one when `None`.
    pub port: Option<u16>,
    /// Whether a server finds what an earlier one in the same directory has stored.
    pub keep_data: bool,
    /// How long the server may take until it is ready.
    pub deadline: Duration,
}

impl ServerOptions {
    /// An empty server in this directory with a free port, ready within a minute.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), port: None, keep_data: false, deadline: Duration::from_secs(60) }
    }
}

/// A private PostgreSQL server on 127.0.0.1. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    installation: Installation,
    directory: Directory,
    account: Account,
    port: u16,
    deadline: Duration,
    process: Option<Process>,
}

impl Server {
    /// Starts a server and waits until it accepts connections. One that an owner which died has left in the same directory is ended
    /// first.
    ///
    /// # Errors
    /// [`Error::Exited`] and [`Error::NotReady`] quote the end of the server's log, [`Error::Program`] what `initdb` said.
    pub fn start(installation: &Installation, options: &ServerOptions) -> Result<Self, Error> {
        let account = Account::choose()?;
        let directory = Directory::create(&options.directory, account)?;
        let port = match options.port {
            Some(port) => port,
            None => ports::free()?,
        };
        process::end_all(&directory.data())?;
        if !options.keep_data {
            directory.clear_data()?;
        }
        let installation = installation.clone();
        let mut server = Self { installation, directory, account, port, deadline: options.deadline, process: None };
        if !server.directory.has_data() {
            server.initialise()?;
        }
        server.boot()?;
        Ok(server)
    }

    /// The port on 127.0.0.1. It stays the same over restarts.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The administrator's URL of a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let (user, password) = ADMINISTRATOR;
        format!("postgres://{user}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// The files of the server.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Creates an empty database.
    ///
    /// # Errors
    /// [`Error::Program`] when there is one of this name already, or the server does not run.
    pub fn create_database(&self, name: &str) -> Result<(), Error> {
        let mut command = self.client("createdb");
        command.arg(name);
        succeed("createdb", &mut command)
    }

    /// How the server ended, when it has without being asked to.
    pub fn crashed(&mut self) -> Option<String> {
        self.process.as_mut().and_then(Process::ended).map(|status| status.to_string())
    }

    /// Ends every connection and stops the server in good order. After 20 seconds it is killed. Stopping twice is allowed.
    ///
    /// # Errors
    /// [`Error::NotStopped`] when even SIGKILL has no effect.
    pub fn stop(&mut self) -> Result<(), Error> {
        self.process.take().map_or(Ok(()), |mut process| process.stop())
    }

    /// Kills every process of the server with SIGKILL, as a power failure would. [`Server::restart`] brings it back with its data.
    ///
    /// # Errors
    /// [`Error::NotStopped`].
    pub fn kill(&mut self) -> Result<(), Error> {
        self.process.take().map_or(Ok(()), |mut process| process.kill())
    }

    /// Starts the server again with the same data and port; one that still runs is stopped first.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn restart(&mut self) -> Result<(), Error> {
        self.stop()?;
        self.boot()
    }

    fn initialise(&self) -> Result<(), Error> {
        let (user, password) = ADMINISTRATOR;
        let file = self.directory.password_file();
        fs::write(&file, password).map_err(Error::io("write", &file))?;
        self.account.own(&file)?;
        let mut command = self.account.command(&self.installation.program("initdb"));
        command.current_dir("/").arg("--pgdata").arg(self.directory.data()).arg("--pwfile").arg(&file);
        command.args(["--username", user, "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale"]);
        // A server that is interrupted here is made anew anyway.
        command.arg("--no-sync");
        succeed("initdb", &mut command)?;
        fs::remove_file(&file).map_err(Error::io("remove", &file))
    }

    fn boot(&mut self) -> Result<(), Error> {
        let process = Process::start(&self.installation, &self.directory, self.account, self.port)?;
        self.process = Some(process);
        if let Err(error) = self.wait_until_ready() {
            self.kill()?;
            return Err(error);
        }
        Ok(())
    }

    fn wait_until_ready(&mut self) -> Result<(), Error> {
        let end = Instant::now() + self.deadline;
        loop {
            let (log, tail) = (self.directory.log(), self.directory.log_tail());
            if let Some(status) = self.crashed() {
                return Err(Error::Exited { status, log, tail });
            }
            let ready = self.client("pg_isready").args(["--quiet", "--timeout", "1"]).output();
            if ready.is_ok_and(|answer| answer.status.success()) {
                return Ok(());
            }
            if Instant::now() >= end {
                return Err(Error::NotReady { deadline: self.deadline, log, tail });
            }
            std::thread::sleep(machine::PACE);
        }
    }

    /// One of PostgreSQL's own clients, as the administrator of this server.
    fn client(&self, program: &str) -> Command {
        let (user, password) = ADMINISTRATOR;
        let mut command = self.account.command(&self.installation.program(program));
        command.current_dir("/").stdin(Stdio::null());
        command.env("PGHOST", "127.0.0.1").env("PGPORT", self.port.to_string());
        command.env("PGUSER", user).env("PGPASSWORD", password).env("PGDATABASE", FIRST_DATABASE);
        command
    }
}

fn succeed(program: &'static str, command: &mut Command) -> Result<(), Error> {
    let path = PathBuf::from(command.get_program());
    let output = command.output().map_err(Error::io("run", &path))?;
    if output.status.success() {
        return Ok(());
    }
    let printed = [output.stdout, output.stderr].concat();
    let end = last_lines(&String::from_utf8_lossy(&printed), 20);
    Err(Error::Program { program, status: output.status.to_string(), output: end })
}

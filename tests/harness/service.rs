//! A service of the shop as a process.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};

use crate::eventually;

/// A running replica. It is killed when the test ends.
#[derive(Debug)]
pub struct ServiceProcess {
    name: String,
    child: Child,
    log: PathBuf,
}

/// The program of a service, built before the suites run.
///
/// # Panics
///
/// When the suite was not started by `cargo xtask test`.
#[must_use]
pub fn program(service: &str) -> PathBuf {
    let folder =
        std::env::var("TEST_BIN_DIR").expect("TEST_BIN_DIR is not set: run the suites with `cargo xtask test`");
    let program = Path::new(&folder).join(service);
    assert!(program.exists(), "{} is not built: run the suites with `cargo xtask test`", program.display());
    program
}

impl ServiceProcess {
    /// Starts a service with exactly this environment.
    ///
    /// # Panics
    ///
    /// When the system does not start it.
    #[must_use]
    pub fn start(service: &str, name: &str, folder: &Path, environment: &[(&str, String)]) -> Self {
        let log = folder.join(format!("{name}.log"));
        let output = File::create(&log).expect("the log is created");
        let errors = output.try_clone().expect("the log is shared");
        let child = Command::new(program(service))
            .env_clear()
            .env("RUST_BACKTRACE", "1")
            .envs(environment.iter().map(|(key, value)| (key, value)))
            .current_dir(folder)
            .stdin(std::process::Stdio::null())
            .stdout(output)
            .stderr(errors)
            // Ctrl-C on the test run shall not drain the services under it.
            .process_group(0)
            .spawn()
            .expect("the service starts");
        Self { name: name.to_owned(), child, log }
    }

    /// What it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to drain.
    ///
    /// # Panics
    ///
    /// When it has ended already.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it as a crash would.
    ///
    /// # Panics
    ///
    /// When it has ended already.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// When it does not end in time.
    pub async fn ended(&mut self) -> ExitStatus {
        let (name, log) = (self.name.clone(), self.log.clone());
        let child = std::sync::Mutex::new(&mut self.child);
        eventually(&format!("the end of {name}"), || async {
            let ended = child.lock().expect("one thread").try_wait().expect("a child of ours");
            ended.ok_or_else(|| tail(&log))
        })
        .await
    }

    /// How it ended, if it has.
    ///
    /// # Panics
    ///
    /// When the system does not say.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child of ours")
    }

    /// Sends it a signal.
    ///
    /// # Panics
    ///
    /// When it has ended already.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("the process lives");
    }
}

impl Drop for ServiceProcess {
    #[expect(clippy::print_stderr, reason = "the log of a service explains why its test failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {} ---\n{}", self.name, tail(&self.log));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The end of a log, for the message of a test that failed.
pub(crate) fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}

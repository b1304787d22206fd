//! Programs of other languages, in `tests/clients`, each with its AMQP or MQTT client from that language's registry.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::Vhost;

/// The user as whom the peers take part.
pub const COURIER: &str = "courier";

/// What one of their programs may take, in seconds.
const LONGEST: &str = "60";

/// The folder of one peer's programs.
#[derive(Debug, Clone, Copy)]
pub struct ForeignClient(&'static str);

impl ForeignClient {
    /// The peer in this folder of `tests/clients`.
    #[must_use]
    pub const fn new(folder: &'static str) -> Self {
        Self(folder)
    }

    /// Runs one of its programs to the end, which comes with 124 after a minute at the latest.
    ///
    /// # Panics
    ///
    /// When the suite was not started by `cargo xtask test`.
    pub async fn output(self, program: &str, arguments: &[&str]) -> Output {
        let program = self.command(program, arguments);
        let mut command = Command::new("timeout");
        command.arg(LONGEST).arg(program.get_program()).args(program.get_args());
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = program.get_current_dir() {
            command.current_dir(folder);
        }
        let run = tokio::task::spawn_blocking(move || command.output().expect("it starts"));
        run.await.expect("it is waited for")
    }

    /// Runs one of its programs to the end, and gives what it printed.
    ///
    /// # Panics
    ///
    /// When it fails.
    pub async fn run(self, program: &str, arguments: &[&str]) -> String {
        let output = self.output(program, arguments).await;
        assert!(output.status.success(), "{}/{program}: {}", self.0, String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Starts one of its programs, which runs until it is dropped.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start(self, program: &str, arguments: &[&str]) -> ForeignProcess {
        let folder = tempfile::tempdir().expect("a folder");
        let log = File::create(folder.path().join("log")).expect("the log is created");
        let mut command = self.command(program, arguments);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("the log is shared")).stderr(log);
        let name = format!("{}/{program}", self.0);
        ForeignProcess { name, child: command.spawn().expect("it starts"), folder }
    }

    fn command(self, program: &str, arguments: &[&str]) -> Command {
        let file = clients().join(self.0).join(program);
        let variable = |name: &str| {
            std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the suites with `cargo xtask test`"))
        };
        let end = file.extension().and_then(|end| end.to_str());
        let runs = match end {
            Some("py") => variable("TEST_PYTHON"),
            Some("sh") => "sh".to_owned(),
            _ => variable("TEST_NODE"),
        };
        let mut command = Command::new(runs);
        if end == Some("ts") {
            // The loader and its options lie beside the program. Its cache would lie where the whole machine has it.
            command.args(["--import", "tsx"]).current_dir(clients().join(self.0)).env("TSX_DISABLE_CACHE", "1");
        }
        command.arg(file).args(arguments);
        command
    }
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

/// A program of a peer that runs. It is killed when the test ends.
#[derive(Debug)]
pub struct ForeignProcess {
    name: String,
    child: Child,
    folder: TempDir,
}

impl ForeignProcess {
    /// What it has printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for ForeignProcess {
    #[expect(clippy::print_stderr, reason = "the log of a peer explains why its test failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {} ---\n{}", self.name, self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The rights of a team that takes part from outside, as `docs/interop.md` has them.
///
/// # Panics
///
/// When the file is not JSON.
#[must_use]
pub fn courier_rights() -> Value {
    let text = std::fs::read_to_string(clients().join("rights.json")).expect("the rights are there");
    serde_json::from_str(&text).expect("the rights are JSON")
}

/// Makes the user [`COURIER`] with [`courier_rights`], and gives its URL. Its password is its name.
///
/// # Panics
///
/// When the broker refuses.
#[must_use]
pub fn courier(vhost: &Vhost) -> String {
    vhost.user(COURIER);
    vhost.grant(COURIER, &courier_rights());
    vhost.url_of(COURIER, COURIER)
}

/// Lets [`COURIER`] send replies to queues instead of exchanges, as a client has to that knows only `reply_to`.
///
/// # Panics
///
/// When the broker refuses.
pub fn let_courier_reply_to_queues(vhost: &Vhost) {
    let rights = &courier_rights()["permissions"][0];
    let text = |key: &str| rights[key].as_str().expect("a text");
    vhost.allow(COURIER, text("configure"), &text("write").replacen("^(", "^(amq\\.default|", 1), text("read"));
}

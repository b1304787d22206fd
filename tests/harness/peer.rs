//! A requester or a responder as a process that takes orders: the program `rpc-peer`.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::program;

/// A running peer. It is killed when the test ends.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts it with exactly this environment; `RPC_ROLE` says what it is. Its log is `<name>.log` in the folder.
    ///
    /// # Panics
    ///
    /// When the system does not start it.
    #[must_use]
    pub fn start(name: &str, folder: &Path, environment: &[(&str, String)]) -> Self {
        let log = File::create(folder.join(format!("{name}.log"))).expect("the log is created");
        let mut child = Command::new(program("rpc-peer"))
            .env_clear()
            .envs(environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the peer starts");
        let orders = child.stdin.take().expect("it takes orders");
        let answers = BufReader::new(child.stdout.take().expect("it answers"));
        Self { child, orders, answers }
    }

    /// Gives an order and waits, blocking, until it answers or ends.
    ///
    /// # Panics
    ///
    /// When it ends instead.
    pub fn order(&mut self, order: &Value) -> Value {
        writeln!(self.orders, "{order}").expect("it takes orders");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("it answers");
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{order}: {answer:?}: {error}"))
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Peer {
    /// Ends it as a crash would.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

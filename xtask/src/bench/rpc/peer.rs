//! A requester and a responder, as processes that take orders.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::table::Cost;
use crate::failure::Failure;
use crate::workspace;

/// Nothing waits so long on an idle machine.
const PATIENCE_MS: u32 = 30_000;

/// So many calls at a time, for so long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) in_flight: u32,
    pub(super) seconds: f64,
}

/// The two ends of one way.
#[derive(Debug)]
pub(super) struct Pair {
    responder: Peer,
    requester: Peer,
}

#[derive(Debug)]
struct Peer {
    name: String,
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Pair {
    /// Starts both, and makes sure that a call is answered.
    pub(super) fn start(way: &str, url: &str, logs: &Path) -> Result<Self, Failure> {
        let mut responder = Peer::start(way, "answer", url, logs)?;
        // It answers once it takes orders; its queue may still have to come.
        responder.order(&json!({}))?;
        let mut pair = Self { responder, requester: Peer::start(way, "ask", url, logs)? };
        for _ in 0..100 {
            let answer = pair.requester.order(&json!({"calls": 1, "in_flight": 1, "patience_ms": 500}))?;
            if answer["replies"] == 1 {
                return Ok(pair);
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        Err(Failure::new(format!("no call is answered by {way}; see {}", logs.display())))
    }

    /// Loads them, and tells what the calls have cost.
    pub(super) fn load(&mut self, Load { in_flight, seconds }: Load) -> Result<Cost, Failure> {
        let order = json!({"seconds": seconds, "in_flight": in_flight, "patience_ms": PATIENCE_MS});
        let before = self.responder.order(&json!({}))?;
        let summary = self.requester.order(&order)?;
        let after = self.responder.order(&json!({}))?;
        if summary["replies"] != summary["calls"] || summary["wrong"] != 0 {
            return Err(Failure::new(format!("calls went wrong by {}: {summary}", self.requester.name)));
        }
        let of = |answer: &Value, name: &str| answer[name].as_f64().unwrap_or_default();
        let number = |name: &str| of(&summary, name);
        let answering = |name: &str| of(&after, name) - of(&before, name);
        let calls = number("calls");
        Ok(Cost {
            calls_per_second: calls / number("seconds"),
            requester_us: number("processor_seconds") * 1e6 / calls,
            responder_us: answering("processor_seconds") * 1e6 / calls,
            waits: (number("waits") + answering("waits")) / calls,
            median_ms: number("median_ms"),
            p99_ms: number("p99_ms"),
        })
    }
}

impl Peer {
    fn start(way: &str, side: &str, url: &str, logs: &Path) -> Result<Self, Failure> {
        let name = format!("{way}-{side}");
        let log = logs.join(format!("{name}.log"));
        let log = File::create(&log).map_err(Failure::because(format!("cannot create {}", log.display())))?;
        let program = workspace::programs(true).join("rpc-peer");
        let mut command = Command::new(&program);
        command.env_clear();
        let role = match way {
            "bare" => format!("direct-{side}"),
            _ => name.clone(),
        };
        if way == "bare" {
            command.env("RPC_BARE", "1");
        }
        let mut child = command
            .envs([("AMQP_URL", url), ("ADMIN_ADDR", "127.0.0.1:0"), ("INSTANCE", "bench"), ("RPC_ROLE", &role)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(Failure::because(format!("cannot start {}", program.display())))?;
        let (orders, answers) = (child.stdin.take(), child.stdout.take());
        match (orders, answers) {
            (Some(orders), Some(answers)) => Ok(Self { name, child, orders, answers: BufReader::new(answers) }),
            _ => Err(Failure::new(format!("{name} takes no orders"))),
        }
    }

    fn order(&mut self, order: &Value) -> Result<Value, Failure> {
        let trouble = format!("{} does not answer", self.name);
        writeln!(self.orders, "{order}").map_err(Failure::because(&trouble))?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).map_err(Failure::because(&trouble))?;
        serde_json::from_str(&answer).map_err(Failure::because(&trouble))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

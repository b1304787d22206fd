//! NestJS as the suites run it.

use serde_json::{Value, json};
use tests::{ForeignClient, ForeignProcess, Vhost, eventually};

pub(super) const NESTJS: ForeignClient = ForeignClient::new("nest");

/// Runs a client that makes these calls, one after the other, and gives what came of each. `options` are those of its
/// transport, but for the address if there is none.
pub(super) async fn call(vhost: &Vhost, options: Value, calls: Value) -> Vec<Value> {
    let options = with_address(vhost, options).to_string();
    lines(&NESTJS.run("every-call.ts", &[&options, &calls.to_string()]).await)
}

/// A server that answers in every way.
pub(super) struct NestServer(ForeignProcess);

impl NestServer {
    /// Starts it with these options of its transport, and waits until it listens.
    pub(super) async fn start(vhost: &Vhost, options: Value) -> Self {
        let server = Self(NESTJS.start("every-answer.ts", &[&with_address(vhost, options).to_string()]));
        server.prints(&json!({"ready": true})).await;
        server
    }

    /// Waits until it has printed this line.
    pub(super) async fn prints(&self, line: &Value) {
        eventually(&format!("the line {line} of NestJS"), || async {
            let printed = self.printed();
            if printed.contains(line) { Ok(()) } else { Err(format!("{printed:?}")) }
        })
        .await;
    }

    /// What it has printed so far.
    pub(super) fn printed(&self) -> Vec<Value> {
        let log = self.0.log();
        // The last line may not be there as a whole.
        log.rfind('\n').map_or_else(Vec::new, |end| lines(&log[..end]))
    }
}

fn with_address(vhost: &Vhost, mut options: Value) -> Value {
    if options["urls"].is_null() {
        options["urls"] = json!([vhost.url()]);
    }
    options
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| line.into())).collect()
}

//! Asks a NestJS server.

use std::time::Duration;

use garenne_contract::Request;
use serde_json::Value;

use super::packet::{self, Reply};
use crate::publisher::{BODY_LIMIT, Cause, encode};
use crate::rpc::{AskError, Problem, Requester};
use crate::topology::Exit;

/// Sends a request as a packet and waits for its reply, at most so long.
pub(crate) async fn ask<R: Request>(
    requester: &Requester,
    exit: &Exit,
    request: &R,
    cause: Option<Cause>,
    patience: Duration,
) -> Result<R::Reply, AskError<R::Error>> {
    let data = encode(R::NAME.as_str(), request).map_err(AskError::Publish)?;
    let mut values = Values { every: exit.every_value, json: Vec::new(), count: 0 };
    let write = |id: &str| packet::request(&exit.around.0, &data, id);
    requester
        .ask_foreign::<R>(exit, cause, patience, write, |inbound| {
            let ended = match Reply::read(&inbound.body) {
                Reply::Failed(error) => return Some(Err(thrown::<R>(error))),
                Reply::Value { json, last } => values.push(&json).map(|()| last),
                Reply::End => Ok(true),
            };
            match ended {
                Ok(false) => None,
                Ok(true) => Some(values.read::<R>()),
                Err(reason) => Some(Err(values.unreadable::<R>(reason))),
            }
        })
        .await
}

/// What has come so far.
struct Values {
    /// Whether the reply is the list of them.
    every: bool,
    /// What stands between the brackets of a list.
    json: Vec<u8>,
    count: usize,
}

impl Values {
    fn push(&mut self, value: &[u8]) -> Result<(), String> {
        if !self.every && self.count > 0 {
            return Err("the server answers with several values; add .every_value() to its NestTarget".to_owned());
        }
        if self.count > 0 {
            self.json.push(b',');
        }
        self.json.extend(value);
        self.count += 1;
        if self.json.len() > BODY_LIMIT {
            return Err(format!("the server's values have more than {BODY_LIMIT} bytes together"));
        }
        Ok(())
    }

    fn read<R: Request>(&self) -> Result<R::Reply, AskError<R::Error>> {
        let read = match (self.every, self.count) {
            (true, _) => serde_json::from_slice(&[b"[", self.json.as_slice(), b"]"].concat()),
            // As if it had answered with `null`.
            (false, 0) => serde_json::from_slice(b"null"),
            (false, _) => serde_json::from_slice(&self.json),
        };
        read.map_err(|error| {
            let nothing = if self.count == 0 { "the server answered without a value: " } else { "" };
            self.unreadable::<R>(format!("{nothing}{error}"))
        })
    }

    fn unreadable<R: Request>(&self, reason: String) -> AskError<R::Error> {
        let text = || String::from_utf8_lossy(&self.json).into();
        let reply = serde_json::from_slice(&self.json).unwrap_or_else(|_| text());
        AskError::Undecodable { request: R::NAME.as_str(), reason, reply }
    }
}

/// What a server has thrown: the error of the contract, as it is or as a service of ours would tell it, or else a problem.
fn thrown<R: Request>(error: Value) -> AskError<R::Error> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if packet::is_no_handler(&error) {
        let detail = text(&error).unwrap_or_default();
        let (kind, title) = ("urn:nestjs:no-handler".to_owned(), "The server does not know the pattern".to_owned());
        return AskError::Problem(Box::new(Problem { kind, title, status: 501, detail, error, ..Problem::default() }));
    }
    let of_contract = |value: &Value| serde_json::from_value(value.clone()).ok();
    if let Some(error) = of_contract(&error).or_else(|| error.get("details").and_then(of_contract)) {
        return AskError::Remote(error);
    }
    let detail = error.get("message").and_then(text).or_else(|| text(&error)).unwrap_or_else(|| error.to_string());
    let retryable = error.get("retryable") == Some(&Value::Bool(true));
    AskError::Problem(Box::new(Problem {
        kind: "urn:nestjs:error".to_owned(),
        detail,
        retryable,
        error,
        ..Problem::default()
    }))
}

//! A small client of RabbitMQ's management HTTP API.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

use crate::Error;

/// Asks one broker's management API as one user. Cheap to clone. Every call takes 10 seconds at most, unless said otherwise.
#[derive(Debug, Clone)]
pub struct Management {
    url: String,
    authorization: String,
    agent: Agent,
}

impl Management {
    /// A client of the API at `url`, for example `http://127.0.0.1:15672`.
    #[must_use]
    pub fn new(url: &str, user: &str, password: &str) -> Self {
        let authorization = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        Self { url: url.trim_end_matches('/').to_owned(), authorization, agent: agent(Duration::from_secs(10)) }
    }

    /// The same client whose calls may take this long.
    #[must_use]
    pub fn with_timeout(&self, limit: Duration) -> Self {
        Self { agent: agent(limit), ..self.clone() }
    }

    /// Writes a name as one segment of a path: the virtual host `/` becomes `%2F`.
    #[must_use]
    pub fn segment(name: &str) -> String {
        name.bytes()
            .map(|byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            })
            .collect()
    }

    /// `GET /api/<path>`.
    ///
    /// # Errors
    /// [`Error::Management`] when there is no answer, or its status is not 2xx.
    pub fn get(&self, path: &str) -> Result<Value, Error> {
        let url = self.address(path);
        let answer = self.agent.get(&url).header("authorization", &self.authorization).call();
        read("GET", url, answer)
    }

    /// `PUT /api/<path>`: creates or replaces. An answer without a body is `null`.
    ///
    /// # Errors
    /// As [`Management::get`].
    pub fn put(&self, path: &str, body: &Value) -> Result<Value, Error> {
        let url = self.address(path);
        let answer = self.agent.put(&url).header("authorization", &self.authorization).send_json(body);
        read("PUT", url, answer)
    }

    /// `POST /api/<path>`. An answer without a body is `null`.
    ///
    /// # Errors
    /// As [`Management::get`].
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        let url = self.address(path);
        let answer = self.agent.post(&url).header("authorization", &self.authorization).send_json(body);
        read("POST", url, answer)
    }

    /// `DELETE /api/<path>`.
    ///
    /// # Errors
    /// As [`Management::get`].
    pub fn delete(&self, path: &str) -> Result<(), Error> {
        let url = self.address(path);
        let answer = self.agent.delete(&url).header("authorization", &self.authorization).call();
        read("DELETE", url, answer).map(drop)
    }

    fn address(&self, path: &str) -> String {
        format!("{}/api/{}", self.url, path.trim_start_matches('/'))
    }
}

fn agent(limit: Duration) -> Agent {
    let config = Agent::config_builder().timeout_global(Some(limit)).http_status_as_error(false).proxy(None);
    config.build().new_agent()
}

fn read(method: &'static str, url: String, answer: Result<Response<Body>, ureq::Error>) -> Result<Value, Error> {
    let failed = |status, reason| Error::Management { method, url, status, reason };
    let mut answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Err(failed(None, error.to_string())),
    };
    let status = answer.status();
    let body = match answer.body_mut().read_to_string() {
        Ok(body) => body,
        Err(error) => return Err(failed(Some(status.as_u16()), error.to_string())),
    };
    if !status.is_success() {
        return Err(failed(Some(status.as_u16()), format!("{status} {body}")));
    }
    if body.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&body)
        .map_err(|error| failed(Some(status.as_u16()), format!("the answer is not JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::Management;
    use crate::Error;

    #[test]
    fn a_segment_escapes_what_a_path_would_swallow() {
        assert_eq!(Management::segment("/"), "%2F");
        assert_eq!(Management::segment("orders.dlq"), "orders.dlq");
        assert_eq!(Management::segment("a b%é"), "a%20b%25%C3%A9");
    }

    #[test]
    fn nobody_listening_is_an_error_that_names_the_address() {
        let port = machine::ports::free().unwrap();
        let error =
            Management::new(&format!("http://127.0.0.1:{port}/"), "admin", "admin").get("overview").unwrap_err();
        assert!(matches!(error, Error::Management { status: None, .. }));
        assert!(error.to_string().starts_with(&format!("GET http://127.0.0.1:{port}/api/overview: ")), "{error}");
    }
}

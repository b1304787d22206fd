//! A small HTTP client.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use serde_json::Value;

use crate::PATIENCE;

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The media type.
    pub content_type: String,
    /// Every header, by its name in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }
}

/// Gets a URL.
///
/// # Errors
///
/// When nobody answers.
pub async fn get(url: &str) -> Result<Answer, String> {
    let url = url.to_owned();
    exchange(move |agent| agent.get(&url).call()).await
}

/// Posts JSON.
///
/// # Errors
///
/// When nobody answers.
pub async fn post(url: &str, body: &Value) -> Result<Answer, String> {
    post_text(url, "application/json", body.to_string()).await
}

/// Posts anything.
///
/// # Errors
///
/// When nobody answers.
pub async fn post_text(url: &str, content_type: &str, body: String) -> Result<Answer, String> {
    let (url, content_type) = (url.to_owned(), content_type.to_owned());
    exchange(move |agent| agent.post(&url).content_type(&content_type).send(body)).await
}

/// Listens to server-sent events until there are enough.
///
/// # Panics
///
/// When the stream does not open or ends before, or nothing comes in time.
pub async fn listen(url: &str, mut enough: impl FnMut(&[Value]) -> bool + Send + 'static) -> Vec<Value> {
    let url = url.to_owned();
    let heard = tokio::task::spawn_blocking(move || {
        let agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build().new_agent();
        let response = agent.get(&url).call().expect("the stream opens");
        let mut events = Vec::new();
        for line in BufReader::new(response.into_body().into_reader()).lines() {
            let line = line.unwrap_or_else(|error| panic!("{url}: {error} after {events:?}"));
            if let Some(data) = line.strip_prefix("data:") {
                events.push(serde_json::from_str(data).expect("an event is JSON"));
                if enough(&events) {
                    return events;
                }
            }
        }
        panic!("{url} ended after {events:?}");
    });
    heard.await.expect("the events")
}

async fn exchange<F>(send: F) -> Result<Answer, String>
where
    F: FnOnce(&ureq::Agent) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> + Send + 'static,
{
    let done = tokio::task::spawn_blocking(move || {
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(30)));
        let mut response = send(&config.build().new_agent()).map_err(|error| error.to_string())?;
        let words = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers: BTreeMap<String, String> =
            response.headers().iter().map(|(name, value)| (name.to_string(), words(value))).collect();
        let content_type = headers.get("content-type").cloned().unwrap_or_default();
        let text = response.body_mut().read_to_string().map_err(|error| error.to_string())?;
        Ok(Answer { status: response.status().as_u16(), content_type, headers, text })
    });
    done.await.map_err(|error| error.to_string())?
}

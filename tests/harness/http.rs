//! A small HTTP client.

use std::time::Duration;

use serde_json::Value;

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The media type.
    pub content_type: String,
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

async fn exchange<F>(send: F) -> Result<Answer, String>
where
    F: FnOnce(&ureq::Agent) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> + Send + 'static,
{
    let done = tokio::task::spawn_blocking(move || {
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(30)));
        let mut response = send(&config.build().new_agent()).map_err(|error| error.to_string())?;
        let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let text = response.body_mut().read_to_string().map_err(|error| error.to_string())?;
        Ok(Answer { status: response.status().as_u16(), content_type, text })
    });
    done.await.map_err(|error| error.to_string())?
}

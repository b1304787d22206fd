//! A headless Chromium, driven through chromedriver.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use machine::ports;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{eventually, http};

/// What keeps a browser from doing anything but showing the page.
const FLAGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

/// A browser with a profile of its own. Driver and browser end with the test.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    session: String,
    driver: Driver,
    _profile: TempDir,
}

#[derive(Debug)]
struct Driver {
    child: Child,
    url: String,
}

impl Browser {
    /// Opens a screen of this size, in CSS pixels; a narrow one is a phone's.
    ///
    /// # Panics
    ///
    /// When driver or browser do not start.
    pub async fn open(width: u32, height: u32) -> Self {
        let driver = Driver::start().await;
        let profile = tempfile::Builder::new().prefix("browser-").tempdir().expect("a folder");
        let mut flags: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let capabilities = json!({
            "goog:chromeOptions": {
                "binary": program("TEST_CHROMIUM", "/usr/bin/chromium"),
                "args": flags,
                // A window has a least width that is wider than a phone; an emulated screen has none.
                "mobileEmulation": {"deviceMetrics": {"width": width, "height": height, "pixelRatio": 1, "mobile": width < 600}},
            },
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("an object") };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(&driver.url).await.expect("the browser starts");
        let session = client.session_id().await.expect("a session").expect("a session");
        Self { client, session, driver, _profile: profile }
    }

    /// The client, for what has no method here.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Opens a page.
    ///
    /// # Panics
    ///
    /// When it does not load.
    pub async fn goto(&self, url: &str) {
        self.client.goto(url).await.expect("the page loads");
    }

    /// Waits for the first element of this CSS selector.
    ///
    /// # Panics
    ///
    /// When there is none in time.
    pub async fn find(&self, selector: &str) -> Element {
        eventually(&format!("an element {selector}"), || async {
            self.client.find(Locator::Css(selector)).await.map_err(|error| error.to_string())
        })
        .await
    }

    /// Clicks the first element of this CSS selector, once it can be clicked.
    ///
    /// # Panics
    ///
    /// When it cannot be in time.
    pub async fn click(&self, selector: &str) {
        eventually(&format!("a click on {selector}"), || async {
            let element = self.client.find(Locator::Css(selector)).await.map_err(|error| error.to_string())?;
            element.click().await.map_err(|error| error.to_string())
        })
        .await;
    }

    /// What a script returns.
    ///
    /// # Panics
    ///
    /// When the script fails.
    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.expect("the script runs")
    }

    /// The texts of all elements of this CSS selector.
    ///
    /// # Panics
    ///
    /// When the browser is gone.
    pub async fn texts(&self, selector: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])].map((element) => element.textContent)";
        let texts = self.client.execute(script, vec![json!(selector)]).await.expect("the script runs");
        serde_json::from_value(texts).expect("texts")
    }

    /// Warnings and errors in the console since the last look: exceptions, failed requests, refusals of the page's
    /// own security policy.
    ///
    /// # Panics
    ///
    /// When the driver does not tell.
    pub async fn complaints(&self) -> Vec<String> {
        let url = format!("{}/session/{}/se/log", self.driver.url, self.session);
        let answer = http::post(&url, &json!({"type": "browser"})).await.expect("the driver answers");
        let log = answer.json()["value"].as_array().cloned().unwrap_or_else(|| panic!("{}", answer.text));
        let grave = log.iter().filter(|entry| ["SEVERE", "WARNING"].iter().any(|level| entry["level"] == *level));
        grave.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Saves a picture of the whole page, once nothing moves, as `target/test/screenshots/<name>.png`.
    ///
    /// # Panics
    ///
    /// When it cannot be saved.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        eventually("a page on which nothing moves", || async {
            let still = "return document.getAnimations().every((motion) => motion.playState !== 'running')";
            if self.run(still).await == true { Ok(()) } else { Err("something moves".to_owned()) }
        })
        .await;
        let url = format!("{}/session/{}/goog/cdp/execute", self.driver.url, self.session);
        let take = json!({"cmd": "Page.captureScreenshot", "params": {"captureBeyondViewport": true}});
        let answer = http::post(&url, &take).await.expect("the driver answers").json();
        let picture = STANDARD.decode(answer["value"]["data"].as_str().expect("a picture")).expect("a picture");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test/screenshots");
        std::fs::create_dir_all(&folder).expect("the folder is made");
        let path = folder.join(format!("{name}.png"));
        std::fs::write(&path, picture).expect("the picture is saved");
        path
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends its browser with the session. Should that fail, both end with the driver's process group.
        let agent = ureq::Agent::config_builder().timeout_global(Some(std::time::Duration::from_secs(10))).build();
        let _ = agent.new_agent().delete(format!("{}/session/{}", self.driver.url, self.session)).call();
    }
}

impl Driver {
    async fn start() -> Self {
        let port = ports::free().expect("a free port");
        let child = Command::new(program("TEST_CHROMEDRIVER", "/usr/bin/chromedriver"))
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("chromedriver starts");
        let driver = Self { child, url: format!("http://127.0.0.1:{port}") };
        eventually("chromedriver", || async {
            let answer = http::get(&format!("{}/status", driver.url)).await?;
            if answer.json()["value"]["ready"] == true { Ok(()) } else { Err(answer.text) }
        })
        .await;
        driver
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
        let _ = self.child.wait();
    }
}

fn program(variable: &str, usual: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| usual.to_owned())
}

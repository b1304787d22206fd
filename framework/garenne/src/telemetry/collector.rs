//! The connection to an OpenTelemetry collector.

use std::fmt;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

/// No more is read of an answer.
const ANSWER_LIMIT: usize = 64 * 1024;

/// Reads the certificates as they are now.
pub(crate) type Encryption = Box<dyn Fn() -> Result<Arc<ClientConfig>, String> + Send + Sync>;

/// A collector, and the connection to it if there is one.
pub(super) struct Collector {
    endpoint: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
    encryption: Encryption,
    line: Option<Line>,
}

/// An open connection. Dropping it closes it.
struct Line {
    requests: SendRequest<Full<Bytes>>,
    _driver: JoinSet<()>,
}

/// Why the collector has not taken a request.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// It may take it later.
    #[error("{0}")]
    Away(String),
    /// It never will.
    #[error("it answers {0}")]
    Refused(StatusCode),
}

impl Collector {
    pub(super) fn new(endpoint: Uri, headers: Vec<(HeaderName, HeaderValue)>, encryption: Encryption) -> Self {
        Self { endpoint, headers, encryption, line: None }
    }

    /// Where it is, without what may be a key.
    pub(super) fn address(&self) -> impl fmt::Display + use<'_> {
        fmt::from_fn(|f| {
            let scheme = self.endpoint.scheme_str().unwrap_or_default();
            let authority = self.endpoint.authority().map_or("", |authority| authority.as_str());
            write!(f, "{scheme}://{authority}{}", self.endpoint.path())
        })
    }

    /// Hands over a request, and returns once the collector has taken it.
    pub(super) async fn post(&mut self, body: &Bytes) -> Result<(), Trouble> {
        // The collector closes a connection that was idle for long, which shows only when it is used.
        if let Some(line) = self.line.take().filter(|line| !line.requests.is_closed())
            && let Ok(status) = self.ask(line, body).await
        {
            return judge(status);
        }
        let line = self.connect().await.map_err(Trouble::Away)?;
        judge(self.ask(line, body).await.map_err(Trouble::Away)?)
    }

    async fn ask(&mut self, mut line: Line, body: &Bytes) -> Result<StatusCode, String> {
        let failed = |error: hyper::Error| format!("{error}");
        line.requests.ready().await.map_err(failed)?;
        let response = line.requests.send_request(self.request(body)?).await.map_err(failed)?;
        let status = response.status();
        // What it says does not matter, but the next answer comes after it.
        if Limited::new(response.into_body(), ANSWER_LIMIT).collect().await.is_ok() {
            self.line = Some(line);
        }
        Ok(status)
    }

    fn request(&self, body: &Bytes) -> Result<Request<Full<Bytes>>, String> {
        let path = self.endpoint.path_and_query().map_or("/", |path| path.as_str());
        let host = self.endpoint.authority().map_or("", |authority| authority.as_str());
        let mut request = Request::post(path)
            .header(HOST, host)
            .header(CONTENT_TYPE, "application/x-protobuf")
            .header(USER_AGENT, concat!("garenne/", env!("CARGO_PKG_VERSION")));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Full::new(body.clone())).map_err(|error| error.to_string())
    }

    async fn connect(&self) -> Result<Line, String> {
        let encrypted = self.endpoint.scheme_str() == Some("https");
        let host = self.endpoint.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let port = self.endpoint.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let socket = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
        if !encrypted {
            return Line::open(TokioIo::new(socket)).await;
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
        let connector = TlsConnector::from((self.encryption)()?);
        let socket = connector.connect(name, socket).await.map_err(|error| format!("no encryption: {error}"))?;
        Line::open(TokioIo::new(socket)).await
    }
}

impl Line {
    async fn open(socket: impl hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static) -> Result<Self, String> {
        let (requests, connection) = handshake(socket).await.map_err(|error| error.to_string())?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // Whoever asks learns of its end.
            let _ended = connection.await;
        });
        Ok(Self { requests, _driver: driver })
    }
}

/// By the specification these four are worth another attempt, and no others.
fn judge(status: StatusCode) -> Result<(), Trouble> {
    match status.as_u16() {
        200..=299 => Ok(()),
        429 | 502..=504 => Err(Trouble::Away(format!("it answers {status}"))),
        _ => Err(Trouble::Refused(status)),
    }
}

//! Spans on their way to a collector that takes them, refuses them, or says nothing.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::serve::Listener;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use prost::Message as _;
use rcgen::{CertificateParams, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

use super::spans::SpanCounts;
use super::{Exporter, Kind, Trace, Tracer, Traces};

/// What a collector got, and from where.
type Got = (SocketAddr, HeaderMap, ExportTraceServiceRequest);

struct Collector {
    url: String,
    got: mpsc::UnboundedReceiver<Got>,
    _server: JoinSet<()>,
}

type Answers = Arc<(mpsc::UnboundedSender<Got>, Mutex<VecDeque<StatusCode>>)>;

impl Collector {
    /// Answers like this, and with 200 from then on.
    async fn start(answers: &[StatusCode]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let (sender, got) = mpsc::unbounded_channel();
        let state: Answers = Arc::new((sender, Mutex::new(answers.iter().copied().collect())));
        let router = Router::new().route("/v1/traces", post(take)).with_state(state);
        let mut server = JoinSet::new();
        server.spawn(async move {
            axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
        });
        Self { url, got, _server: server }
    }

    async fn next(&mut self) -> Got {
        timeout(Duration::from_secs(10), self.got.recv()).await.expect("spans in time").expect("a collector")
    }
}

async fn take(
    State(state): State<Answers>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let (sender, answers) = &*state;
    sender.send((from, headers, ExportTraceServiceRequest::decode(body).unwrap())).unwrap();
    answers.lock().unwrap().pop_front().unwrap_or(StatusCode::OK)
}

fn names(of_resource: &ResourceSpans) -> Vec<&str> {
    of_resource.scope_spans[0].spans.iter().map(|span| span.name.as_str()).collect()
}

/// Exports soon, unless something else is said.
fn export(url: &str, change: impl FnOnce(&mut Traces)) -> (Tracer, Exporter, SpanCounts) {
    let counts = SpanCounts::default();
    let mut traces = Traces::to(url).unwrap().every(Duration::from_millis(20));
    change(&mut traces);
    let encryption = Box::new(|| Err("the tests have no certificates".to_owned()));
    let (tracer, exporter) = traces.export("orders", "orders-1", counts.clone(), encryption);
    (tracer, exporter, counts)
}

fn happens(tracer: &Tracer, name: &str) {
    let mut span = tracer.begin(Kind::Internal, &Trace::start());
    span.describe(|about| about.name(name.to_owned()));
    span.end(None);
}

fn exposition(counts: &SpanCounts) -> String {
    let mut registry = Registry::with_prefix("garenne");
    counts.register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    text
}

#[tokio::test]
async fn spans_arrive_over_one_connection_with_who_made_them_and_the_headers_that_were_asked_for() {
    let mut collector = Collector::start(&[]).await;
    let (tracer, exporter, counts) = export(&collector.url, |traces| {
        let variable = |name: &str| match name {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" => Some("http://other".to_owned()),
            "OTEL_EXPORTER_OTLP_HEADERS" => Some("x-tenant=shop".to_owned()),
            "OTEL_RESOURCE_ATTRIBUTES" => Some("service.name=shop,cloud.region=eu-central-1".to_owned()),
            _ => None,
        };
        let read = Traces::read(&variable).0.unwrap();
        (traces.headers, traces.resource) = (read.headers, read.resource);
    });
    happens(&tracer, "one");
    let (from, headers, request) = collector.next().await;
    assert_eq!(
        (&headers["content-type"], &headers["x-tenant"]),
        (&"application/x-protobuf".parse().unwrap(), &"shop".parse().unwrap())
    );
    let of_resource = &request.resource_spans[0];
    let attributes = format!("{:?}", of_resource.resource);
    for expected in ["\"shop\"", "\"orders-1\"", "\"eu-central-1\"", "\"garenne\"", "telemetry.sdk.language"] {
        assert!(attributes.contains(expected), "{expected} is missing in {attributes}");
    }
    assert!(!attributes.contains("\"orders\""), "the name that was given counts: {attributes}");
    assert_eq!(names(of_resource), ["one"]);
    happens(&tracer, "two");
    assert_eq!(collector.next().await.0, from);
    exporter.finish(Instant::now() + Duration::from_secs(10)).await;
    assert!(exposition(&counts).contains("garenne_spans_exported_total 2"), "{}", exposition(&counts));
}

#[tokio::test]
async fn a_full_batch_does_not_wait_and_what_finds_no_room_is_counted_and_gone() {
    let mut collector = Collector::start(&[]).await;
    let (tracer, _exporter, counts) = export(&collector.url, |traces| {
        (traces.delay, traces.limit, traces.batch) = (Duration::from_secs(3600), 8, 4);
    });
    for _ in 0..100 {
        happens(&tracer, "a");
    }
    // Nothing else has run meanwhile on the one thread of the test.
    let text = exposition(&counts);
    assert!(text.contains("garenne_spans_dropped_total{reason=\"queue-full\"} 92"), "{text}");
    for _ in 0..2 {
        assert_eq!(names(&collector.next().await.2.resource_spans[0]).len(), 4);
    }
}

#[tokio::test]
async fn what_a_collector_cannot_take_now_is_tried_again_and_what_it_refuses_is_not() {
    let mut collector =
        Collector::start(&[StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK, StatusCode::BAD_REQUEST]).await;
    let (tracer, exporter, counts) = export(&collector.url, |_| {});
    happens(&tracer, "one");
    for _ in 0..2 {
        assert_eq!(names(&collector.next().await.2.resource_spans[0]), ["one"]);
    }
    for name in ["two", "three"] {
        happens(&tracer, name);
        assert_eq!(names(&collector.next().await.2.resource_spans[0]), [name]);
    }
    exporter.finish(Instant::now() + Duration::from_secs(10)).await;
    let text = exposition(&counts);
    assert!(text.contains("garenne_spans_exported_total 2"), "{text}");
    assert!(text.contains("garenne_spans_dropped_total{reason=\"collector-refused\"} 1"), "{text}");
}

#[tokio::test]
async fn a_service_that_stops_hands_over_what_waits() {
    let mut collector = Collector::start(&[]).await;
    let (tracer, exporter, _) = export(&collector.url, |traces| traces.delay = Duration::from_secs(3600));
    happens(&tracer, "last");
    exporter.finish(Instant::now() + Duration::from_secs(10)).await;
    assert_eq!(names(&collector.got.try_recv().expect("before it has stopped").2.resource_spans[0]), ["last"]);
}

#[tokio::test]
async fn a_collector_that_is_away_or_says_nothing_does_not_hold_up_a_service_that_stops() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let silent = (silent.local_addr().unwrap(), Some(silent));
    let away = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    for (address, _listener) in [silent, (away, None)] {
        let (tracer, exporter, counts) =
            export(&format!("http://{address}"), |traces| traces.delay = Duration::from_secs(3600));
        happens(&tracer, "last");
        let began = Instant::now();
        exporter.finish(began + Duration::from_millis(200)).await;
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        let text = exposition(&counts);
        let lost =
            ["stopped", "collector-away"].map(|reason| format!("garenne_spans_dropped_total{{reason=\"{reason}\"}} 1"));
        assert!(lost.iter().any(|line| text.contains(line)), "{text}");
    }
}

/// Lets in who speaks TLS.
struct Encrypted {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Encrypted {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (socket, from) = self.listener.accept().await.unwrap();
            if let Ok(socket) = self.acceptor.accept(socket).await {
                return (socket, from);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

#[tokio::test]
async fn spans_go_encrypted_to_the_collector_that_an_authority_knows_and_to_no_other() {
    let key = KeyPair::generate().unwrap();
    let known = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let stranger = KeyPair::generate().unwrap();
    let stranger = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&stranger).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(known.der().to_vec())],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("https://localhost:{}/v1/traces", listener.local_addr().unwrap().port());
    let (sender, mut got) = mpsc::unbounded_channel();
    let take = async move |body: Bytes| sender.send(ExportTraceServiceRequest::decode(body).unwrap()).unwrap();
    let router = Router::new().route("/v1/traces", post(take));
    let mut server = JoinSet::new();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    server.spawn(async move { axum::serve(Encrypted { listener, acceptor }, router).await.unwrap() });

    for (authority, arrives) in [(&stranger, false), (&known, true)] {
        let mut authorities = RootCertStore::empty();
        authorities.add(authority.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(authorities)
            .with_no_client_auth();
        let (config, counts) = (Arc::new(config), SpanCounts::default());
        let encryption = Box::new(move || Ok(Arc::clone(&config)));
        let (tracer, exporter) = Traces::to(&url).unwrap().export("orders", "orders-1", counts.clone(), encryption);
        happens(&tracer, "one");
        exporter.finish(Instant::now() + Duration::from_secs(10)).await;
        let (text, came) = (exposition(&counts), got.try_recv().ok());
        assert_eq!(came.is_some(), arrives, "{text}");
        let outcome = if arrives { "garenne_spans_exported_total 1" } else { "{reason=\"collector-away\"} 1" };
        assert!(text.contains(outcome), "{text}");
    }
}

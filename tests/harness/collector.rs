//! What stands for an OpenTelemetry collector: it takes OTLP over HTTP and keeps every span.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span as Wire;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::eventually;

/// A collector that runs inside the test.
#[derive(Debug)]
pub struct Collector {
    url: String,
    spans: Spans,
    _server: JoinSet<()>,
}

type Spans = Arc<Mutex<Vec<Span>>>;

/// A span as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Who made it.
    pub service: String,
    /// What it is called.
    pub name: String,
    /// Its kind.
    pub kind: SpanKind,
    /// The trace that it belongs to, in hexadecimal.
    pub trace: String,
    /// Its own id, in hexadecimal.
    pub id: String,
    /// The span that it is part of; empty at the beginning of a trace.
    pub parent: String,
    /// Its attributes, as text.
    pub attributes: BTreeMap<String, String>,
    /// The traces that it was done for, beside its own.
    pub links: Vec<String>,
    /// Whether it ended with an error.
    pub failed: bool,
}

impl Collector {
    /// Starts one on a free port.
    ///
    /// # Panics
    ///
    /// When the system gives none.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let spans = Spans::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&spans));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.expect("the collector serves") });
        Self { url, spans, _server: server }
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` shall say.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every span so far.
    ///
    /// # Panics
    ///
    /// When a test has panicked while it looked.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.spans.lock().expect("nobody panics while it holds them").clone()
    }

    /// Looks at the spans until there is what is looked for.
    ///
    /// # Panics
    ///
    /// When that does not come in time.
    pub async fn eventually<T>(&self, what: &str, look: impl Fn(&[Span]) -> Result<T, String>) -> T {
        eventually(what, async || look(&self.spans())).await
    }
}

impl Span {
    /// One of its attributes; empty where there is none.
    #[must_use]
    pub fn get(&self, attribute: &str) -> &str {
        self.attributes.get(attribute).map_or("", String::as_str)
    }
}

async fn take(State(spans): State<Spans>, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body).expect("OTLP in protocol buffers");
    let mut kept = spans.lock().expect("nobody panics while it holds them");
    for of_resource in request.resource_spans {
        let resource = attributes(&of_resource.resource.expect("who made them").attributes);
        for span in of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans) {
            kept.push(read(&resource["service.name"], span));
        }
    }
}

fn read(service: &str, span: Wire) -> Span {
    assert!(span.end_time_unix_nano >= span.start_time_unix_nano, "{span:?}");
    Span {
        service: service.to_owned(),
        kind: span.kind(),
        trace: hexadecimal(&span.trace_id),
        id: hexadecimal(&span.span_id),
        parent: hexadecimal(&span.parent_span_id),
        attributes: attributes(&span.attributes),
        links: span.links.iter().map(|link| hexadecimal(&link.trace_id)).collect(),
        failed: span.status.is_some_and(|status| status.code == 2),
        name: span.name,
    }
}

fn attributes(pairs: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => text.clone(),
        Some(Any::IntValue(number)) => number.to_string(),
        Some(Any::BoolValue(truth)) => truth.to_string(),
        other => panic!("{} has the value {other:?}", pair.key),
    };
    let read: BTreeMap<String, String> = pairs.iter().map(|pair| (pair.key.clone(), text(pair))).collect();
    assert_eq!(read.len(), pairs.len(), "an attribute is there twice: {pairs:?}");
    read
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

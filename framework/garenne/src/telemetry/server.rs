//! The spans of a service's own HTTP interface, where most traces begin.

use super::span::{Kind, Span};
use super::{Trace, Tracer};

/// What RFC 9110 and RFC 5789 know. Whoever asks may write anything else of any length, and as many names of spans would mean as little.
const METHODS: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

/// What came in over HTTP.
#[derive(Debug, Clone, Copy)]
pub struct HttpRequest<'a> {
    /// `GET`, `POST` and so on.
    pub method: &'a str,
    /// The route that it matches, `/orders/{id}`, and not what stands in place of `{id}`.
    pub route: Option<&'a str>,
    /// The path.
    pub path: &'a str,
    /// The header `traceparent`, if there is one.
    pub traceparent: Option<&'a str>,
    /// The header `tracestate`, if there is one.
    pub tracestate: Option<&'a str>,
}

/// One request to a service's own HTTP interface. Dropping it says that whoever asked has gone.
///
/// ```
/// use garenne::{HttpRequest, Tracer};
///
/// async fn answer(tracer: &Tracer) -> u16 {
///     let request =
///         HttpRequest { method: "GET", route: Some("/stock"), path: "/stock", traceparent: None, tracestate: None };
///     let span = tracer.serve(request);
///     // What is published or asked through a `Client` meanwhile belongs to this trace.
///     let status = span.around(async { 200 }).await;
///     span.answered(status);
///     status
/// }
/// ```
#[derive(Debug)]
#[must_use = "dropping it says that whoever asked has gone"]
pub struct ServerSpan(Span);

impl Tracer {
    /// Begins the span of a request that has come over HTTP, in the trace that its headers tell of or in a new one.
    pub fn serve(&self, request: HttpRequest<'_>) -> ServerSpan {
        let HttpRequest { method, route, path, traceparent, tracestate } = request;
        let parent = traceparent.and_then(|parent| Trace::parse(parent, tracestate));
        let mut span = self.begin(Kind::Server, &parent.unwrap_or_else(Trace::start));
        span.describe(|about| {
            let known = METHODS.contains(&method);
            let word = if known { method } else { "HTTP" };
            about.name(route.map_or_else(|| word.to_owned(), |route| format!("{word} {route}")));
            about.text("http.request.method", if known { method } else { "_OTHER" });
            if !known {
                about.text("http.request.method_original", method);
            }
            about.text("url.path", path);
            about.text("url.scheme", "http");
            if let Some(route) = route {
                about.text("http.route", route);
            }
        });
        ServerSpan(span)
    }
}

impl ServerSpan {
    /// Does the work that answers the request.
    pub fn around<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        self.0.trace().around(work)
    }

    /// It was answered with this status.
    pub fn answered(mut self, status: u16) {
        self.0.describe(|about| about.number("http.response.status_code", status));
        let class = status.to_string();
        self.0.end(if status >= 500 { Some((&class, &"the server failed")) } else { None });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::telemetry::sampler::Sampler;
    use crate::telemetry::span::{About, Value};
    use crate::telemetry::spans::{SpanCounts, Spans};

    fn served(method: &str, route: Option<&str>) -> About {
        let spans = Arc::new(Spans::new(1, 1, SpanCounts::default()));
        let tracer = Tracer::new(Sampler::default(), Arc::clone(&spans));
        tracer
            .serve(HttpRequest { method, route, path: "/orders/7", traceparent: None, tracestate: None })
            .answered(200);
        let [span] = spans.take().try_into().unwrap();
        span
    }

    fn text<'a>(span: &'a About, attribute: &str) -> Option<&'a str> {
        let value = span.attributes.iter().find(|(name, _)| *name == attribute).map(|(_, value)| value);
        if let Some(Value::Text(text)) = value { Some(text) } else { None }
    }

    #[test]
    fn a_method_that_is_known_names_its_span_and_any_other_is_told_by_the_conventions_word_and_cut() {
        let span = served("PATCH", Some("/orders/{id}"));
        assert_eq!((span.name.as_str(), text(&span, "http.request.method")), ("PATCH /orders/{id}", Some("PATCH")));
        assert_eq!(text(&span, "http.request.method_original"), None);

        let span = served("get", Some("/orders/{id}"));
        assert_eq!((span.name.as_str(), text(&span, "http.request.method")), ("HTTP /orders/{id}", Some("_OTHER")));
        assert_eq!(text(&span, "http.request.method_original"), Some("get"));

        let span = served(&"M".repeat(400_000), None);
        assert_eq!((span.name.as_str(), text(&span, "http.request.method")), ("HTTP", Some("_OTHER")));
        assert!(text(&span, "http.request.method_original").is_some_and(|method| method.starts_with("MMM")));
        assert!(span.size() < 4096, "{} bytes", span.size());
    }
}

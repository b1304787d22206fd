//! The spans of a service's own HTTP interface, where most traces begin.

use super::span::{Kind, Span};
use super::{Trace, Tracer};

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
            about.name(route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}")));
            about.text("http.request.method", method);
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

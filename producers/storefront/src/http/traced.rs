//! Around every route: the span in which all that a request sets off has its place.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use garenne::{HttpRequest, ServerSpan, Tracer};

pub(super) async fn traced(State(tracer): State<Tracer>, request: Request, next: Next) -> Response {
    let span = begin(&tracer, &request);
    let response = span.around(next.run(request)).await;
    span.answered(response.status().as_u16());
    response
}

fn begin(tracer: &Tracer, request: &Request) -> ServerSpan {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    tracer.serve(HttpRequest {
        method: request.method().as_str(),
        route: request.extensions().get::<MatchedPath>().map(MatchedPath::as_str),
        path: request.uri().path(),
        traceparent: header("traceparent"),
        tracestate: header("tracestate"),
    })
}

//! The page and its files, as they were when the binary was built.

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::http::Site;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file of the page.
struct File {
    path: &'static str,
    content_type: &'static str,
    text: &'static str,
    version: u64,
}

macro_rules! file {
    ($path:literal, $content_type:ident, $name:literal) => {
        File {
            path: $path,
            content_type: $content_type,
            text: include_str!(concat!("../page/", $name)),
            version: fnv1a(include_bytes!(concat!("../page/", $name))),
        }
    };
}

static FILES: [File; 15] = [
    file!("/", HTML, "index.html"),
    file!("/base.css", CSS, "base.css"),
    file!("/journey.css", CSS, "journey.css"),
    file!("/favicon.svg", SVG, "favicon.svg"),
    file!("/main.js", SCRIPT, "main.js"),
    file!("/api.js", SCRIPT, "api.js"),
    file!("/basket.js", SCRIPT, "basket.js"),
    file!("/dom.js", SCRIPT, "dom.js"),
    file!("/feed.js", SCRIPT, "feed.js"),
    file!("/format.js", SCRIPT, "format.js"),
    file!("/journey.js", SCRIPT, "journey.js"),
    file!("/orders.js", SCRIPT, "orders.js"),
    file!("/services.js", SCRIPT, "services.js"),
    file!("/shelf.js", SCRIPT, "shelf.js"),
    file!("/warren.js", SCRIPT, "warren.js"),
];

pub(super) fn routes() -> Router<Site> {
    FILES.iter().fold(Router::new(), |router, file| {
        router.route(file.path, get(move |headers: HeaderMap| async move { file.respond(&headers) }))
    })
}

impl File {
    fn respond(&self, headers: &HeaderMap) -> Response {
        let etag = format!("\"{:016x}\"", self.version);
        let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let is_known = known.flat_map(|list| list.split(',')).any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.trim_start_matches("W/") == etag
        });
        // `no-cache` is "ask each time": the answer is an empty 304 until the binary is another one.
        let caching = [(header::ETAG, etag), (header::CACHE_CONTROL, "no-cache".to_owned())];
        if is_known {
            return (StatusCode::NOT_MODIFIED, caching).into_response();
        }
        ([(header::CONTENT_TYPE, self.content_type)], caching, self.text).into_response()
    }
}

/// A hash that tells two versions of a file apart (Fowler, Noll and Vo's 1a), at compile time.
const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        index += 1;
    }
    hash
}

//! Whether a change was asked for by a program or one of our own pages, and not by another site's.

use axum::http::{HeaderMap, HeaderValue, header};

/// A browser names the page a request comes from. Without a name it is no browser, and nobody's
/// rights are at stake. A form of another site cannot send JSON, nor `DELETE`.
pub(crate) fn is_own(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return false;
    }
    match (text("origin"), text("host")) {
        (None, _) => true,
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, authority)| authority == host)
        }
        (Some(_), None) => false,
    }
}

/// Whether the body is JSON, or there is none.
pub(crate) fn is_json_or_empty(headers: &HeaderMap, body: &[u8]) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    match kind {
        Some(kind) => kind.split(';').next().is_some_and(|kind| kind.trim() == "application/json"),
        None => body.is_empty(),
    }
}

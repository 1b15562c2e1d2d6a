//! Answers: a page with its headers, its tag and its compression; data; a redirect.

use std::io::Write as _;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use crate::router::CSP;

/// Below this a compressed page is no smaller on the wire.
const COMPRESS_MIN: usize = 600;
/// Of 0 to 11: where the next step costs more time than the bytes it saves.
const BROTLI_QUALITY: i32 = 5;
const BROTLI_WINDOW: i32 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Plain,
    Gzip,
    Brotli,
}

impl Coding {
    /// The best of what `Accept-Encoding` names. A coding refused by `q=0` counts as not named.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
        let named = |coding: &str| {
            accept.unwrap_or_default().split(',').any(|part| {
                let (name, quality) = part.split_once(';').unwrap_or((part, ""));
                let refused = matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
                name.trim() == coding && !refused
            })
        };
        if named("br") {
            Self::Brotli
        } else if named("gzip") {
            Self::Gzip
        } else {
            Self::Plain
        }
    }

    pub(crate) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }

    fn squeeze(self, body: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Plain => None,
            Self::Gzip => {
                let level = flate2::Compression::default();
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(body).ok()?;
                encoder.finish().ok()
            }
            Self::Brotli => {
                let params = brotli::enc::BrotliEncoderParams {
                    quality: BROTLI_QUALITY,
                    lgwin: BROTLI_WINDOW,
                    size_hint: body.len(),
                    ..Default::default()
                };
                let mut out = Vec::new();
                brotli::BrotliCompress(&mut &*body, &mut out, &params).ok()?;
                Some(out)
            }
        }
    }
}

/// A page. Browsers keep it, and ask with its tag whether it still stands.
pub(crate) fn page(asked: &HeaderMap, status: StatusCode, html: &str) -> Response<Body> {
    let tag = format!("W/\"{}\"", blake3::hash(html.as_bytes()).to_hex().get(..20).unwrap_or(""));
    let seen = asked.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let same = seen.is_some_and(|seen| seen.split(',').any(|one| one.trim() == tag));
    let mut response = if same && status == StatusCode::OK {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        body(asked, status, "text/html; charset=utf-8", html.as_bytes().to_vec())
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::VARY, "Accept-Encoding, Cookie"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

/// Data of a page, in the form that the ending of its address asks for.
pub(crate) fn data(asked: &HeaderMap, mime: &'static str, bytes: Vec<u8>) -> Response<Body> {
    let mut response = body(asked, StatusCode::OK, mime, bytes);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

fn body(
    asked: &HeaderMap,
    status: StatusCode,
    mime: &'static str,
    plain: Vec<u8>,
) -> Response<Body> {
    let coding = if plain.len() < COMPRESS_MIN { Coding::Plain } else { Coding::accepted(asked) };
    let squeezed = coding.squeeze(&plain);
    let coding = if squeezed.is_some() { coding.name() } else { None };
    let mut response = Response::new(Body::from(squeezed.unwrap_or(plain)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(name) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response
}

/// After a form: the browser goes on with GET.
pub(crate) fn see_other(to: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

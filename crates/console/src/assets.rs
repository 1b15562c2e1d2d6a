//! Embedded files: hashed names, kept for ever by browsers, compressed when the program was built.

use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode, header};

use crate::reply::Coding;

#[derive(Debug)]
pub(crate) struct Asset {
    /// `/a/<hash>/<file>`
    pub(crate) path: &'static str,
    mime: &'static str,
    raw: &'static [u8],
    br: &'static [u8],
    gz: &'static [u8],
}

/// A part that others wrote, for the page of licences.
#[derive(Debug)]
pub(crate) struct Notice {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) license: &'static str,
    pub(crate) text: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));
include!(concat!(env!("OUT_DIR"), "/notices.rs"));

impl Asset {
    pub(crate) fn body(&self, coding: Coding) -> &'static [u8] {
        match coding {
            Coding::Plain => self.raw,
            Coding::Gzip => self.gz,
            Coding::Brotli => self.br,
        }
    }
}

/// `None` when no file of this build has the path: it may be of another version.
pub(crate) fn serve(path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let asset = ALL.iter().find(|asset| asset.path == path)?;
    let coding = Coding::accepted(headers);
    let mut response = Response::builder()
        .status(StatusCode::OK)
        .header(header::CONTENT_TYPE, asset.mime)
        .header(header::CACHE_CONTROL, "public, max-age=31536000, immutable")
        .header(header::VARY, "Accept-Encoding")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if let Some(name) = coding.name() {
        response = response.header(header::CONTENT_ENCODING, name);
    }
    response.body(Body::from(asset.body(coding))).ok()
}

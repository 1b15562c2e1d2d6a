//! A browser's part of a request.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::world::World;

/// A page, and its status and headers.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Page {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) fn console() -> Router {
    console::router(Arc::new(World::still()))
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.unwrap()
}

pub(crate) async fn get(router: &Router, path: &str) -> Page {
    get_with(router, path, &[]).await
}

pub(crate) async fn get_with(router: &Router, path: &str, headers: &[(&str, &str)]) -> Page {
    let mut request = Request::builder().uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    read(send(router, request.body(Body::empty()).unwrap()).await).await
}

pub(crate) async fn post(router: &Router, path: &str, form: &str, origin: &str) -> Page {
    let request = Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("host", "althing.local")
        .header("origin", origin)
        .body(Body::from(form.to_owned()))
        .unwrap();
    read(send(router, request).await).await
}

async fn read(response: Response<Body>) -> Page {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Page { status: parts.status, headers: parts.headers, body }
}

/// Every page there is, each in the states it can be in.
pub(crate) const PAGES: [&str; 37] = [
    "/",
    "/devices",
    "/devices?text=green&status=reporting&type=air&order=heard",
    "/devices?text=nothing-has-this-name",
    "/devices/greenhouse/2/air",
    "/devices/greenhouse/2/air?range=1h",
    "/devices/greenhouse/2/air?range=1y",
    "/devices/greenhouse/2/air?show=table&signal=humidity",
    "/devices/weather/mast?range=7d",
    "/devices/bottling/line-1/filler",
    "/explore",
    "/explore?signal=temperature",
    "/explore?signal=temperature&range=7d&as=band&compare=week",
    "/explore?signal=temperature&signal=humidity&signal=co2&signal=battery&range=7d",
    "/explore?signal=temperature&signal=humidity&range=7d&compare=week",
    "/explore?device=weather%2Fmast&range=1y&as=mean&show=table",
    "/explore?signal=flow&device=weather%2Fmast&from=never",
    "/explore?signal=power&signal=temperature&from=2026-11-20T08%3A00&to=2026-11-21T08%3A00",
    "/completeness",
    "/completeness?days=28",
    "/completeness?device=greenhouse/2/air&days=14",
    "/completeness?device=no-such-device",
    "/sql",
    "/sql?q=select%20*%20from%20latest",
    "/sql?q=select%20%2A%20from%20air&show=chart",
    "/sql?q=select%20%2A%20from%20latest&explain=1",
    "/sql?q=drop%20table%20readings",
    "/system",
    "/system?order=rate&search=green&presence=connected",
    "/system?order=waiting",
    "/system?search=nobody-has-this-name",
    "/system/clients/greenhouse/2/air",
    "/system/clients/water/tank-south",
    "/system/clients/no-such-client",
    "/about",
    "/about/licences",
    "/no-such-page",
];

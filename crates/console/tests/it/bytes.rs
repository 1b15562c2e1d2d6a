//! What a first visit weighs, compressed as browsers get it, with an empty cache.

use axum::Router;

use crate::client::{PAGES, console, get, get_with};
use crate::markup;

const PLAIN_MAX: usize = 30 * 1024;
const CHARTS_MAX: usize = 60 * 1024;
const OWN_SCRIPT_MAX: usize = 6 * 1024;
const STYLE_MAX: usize = 6 * 1024;
const HTML_MAX: usize = 6 * 1024;

/// Bytes of the page and of every file it names.
async fn weight(router: &Router, path: &str, coding: &str) -> (usize, usize, bool) {
    let accept = [("accept-encoding", coding)];
    let plain = get(router, path).await;
    let html = get_with(router, path, &accept).await.body.len();
    let mut total = html;
    let mut charts = false;
    for element in markup::read(plain.text()) {
        let file = element
            .get("src")
            .or_else(|| element.get("href"))
            .filter(|file| file.starts_with("/a/"));
        if let Some(file) = file {
            let answer = get_with(router, file, &accept).await;
            assert_eq!(answer.header("content-encoding"), coding, "{file}");
            assert!(answer.header("cache-control").contains("immutable"), "{file}");
            charts |= file.contains("uPlot");
            total += answer.body.len();
        }
    }
    (total, html, charts)
}

#[tokio::test]
async fn every_page_is_light_in_both_codings() {
    let router = console();
    let mut seen_charts = false;
    for path in PAGES {
        for coding in ["br", "gzip"] {
            let (total, html, charts) = weight(&router, path, coding).await;
            let limit = if charts { CHARTS_MAX } else { PLAIN_MAX };
            assert!(total <= limit, "{path}: {total} bytes in {coding}, of which {html} are HTML");
            seen_charts |= charts;
        }
    }
    assert!(seen_charts, "no page had a chart: the larger limit was never looked at");
}

#[tokio::test]
async fn the_parts_keep_to_their_shares() {
    let router = console();
    for path in PAGES {
        let mut scripts = 0;
        for element in markup::read(get(&router, path).await.text()) {
            let file = element.get("src").or_else(|| element.get("href"));
            let Some(file) = file.filter(|file| file.starts_with("/a/")) else { continue };
            let size = get_with(&router, file, &[("accept-encoding", "br")]).await.body.len();
            match file.rsplit('/').next().unwrap() {
                "app.css" => assert!(size <= STYLE_MAX, "{size}"),
                name if name.ends_with(".js") && !name.starts_with("uPlot") => scripts += size,
                _ => {}
            }
        }
        assert!(scripts <= OWN_SCRIPT_MAX, "{path}: {scripts}");
    }
    for path in ["/", "/sql", "/about"] {
        let (_, html, _) = weight(&router, path, "br").await;
        assert!(html <= HTML_MAX, "{path}: {html}");
    }
}

#[tokio::test]
async fn a_file_of_another_version_is_not_found_under_its_old_name() {
    let answer = get(&console(), "/a/000000000000/app.css").await;
    assert_eq!(answer.status, axum::http::StatusCode::NOT_FOUND);
}

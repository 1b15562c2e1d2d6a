//! Devices that choose their names against us.

use std::sync::Arc;

use axum::http::StatusCode;

use crate::client::get;
use crate::markup;
use crate::world::{HOSTILE, World};

#[tokio::test]
async fn a_hostile_name_stays_a_name_on_every_page() {
    let router = console::router(Arc::new(World::still().hostile()));
    let list = get(&router, "/devices?type=node").await;
    let links: Vec<String> = markup::read(list.text())
        .into_iter()
        .filter(|element| element.within.last().is_some_and(|name| name == "th"))
        .filter_map(|element| element.get("href").map(str::to_owned))
        .collect();
    assert_eq!(links.len(), HOSTILE.len());
    for link in links {
        let page = get(&router, &link).await;
        assert_eq!(page.status, StatusCode::OK, "{link}");
        check(page.text());
        let missing = get(&router, &format!("{link}-not")).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND, "{link}");
        check(missing.text());
    }
    check(list.text());
    for name in HOSTILE {
        let links = format!("/system?search={}", encoded(name));
        check(get(&router, &links).await.text());
        let page = get(&router, &format!("/system/clients/{}", encoded(name))).await;
        assert_eq!(page.status, StatusCode::OK, "{name}");
        check(page.text());
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[track_caller]
pub(crate) fn check(html: &str) {
    let elements = markup::read(html);
    for element in &elements {
        let ours = element.name != "img" && element.get("onerror").is_none();
        assert!(ours, "a name became markup: {element:?}");
        let script = element.name == "script" && element.get("src").is_none();
        assert!(!script || element.get("type") == Some("application/json"), "{element:?}");
        let turned = element.text.contains(['\u{202e}', '\u{202d}', '\u{2067}']);
        assert!(!turned, "a name turns its line around: {element:?}");
    }
    let names = elements.iter().filter(|one| one.text.contains("gnp.exe"));
    for name in names {
        assert!(["bdi", "title", "code"].contains(&&*name.name), "not isolated: {name:?}");
    }
}

//! What is true of every page.

use std::collections::BTreeSet;

use axum::http::StatusCode;

use crate::client::{PAGES, console, get, get_with, post};
use crate::markup;

#[tokio::test]
async fn every_page_is_well_formed_and_its_ids_are_its_own() {
    for path in PAGES {
        let page = get(&console(), path).await;
        let elements = markup::read(page.text());
        let ids = markup::ids(&elements);
        for element in &elements {
            let named =
                ["aria-labelledby", "aria-describedby", "for"].map(|name| element.get(name));
            for id in named.into_iter().flatten() {
                assert!(ids.contains(id), "{path}: nothing has the id {id}");
            }
            let target = element.get("href").and_then(|href| href.strip_prefix('#'));
            assert!(target.is_none_or(|id| ids.contains(id)), "{path}: {target:?} leads nowhere");
        }
        let headings = elements.iter().filter(|element| element.name == "h1").count();
        assert_eq!(headings, 1, "{path}");
    }
}

#[tokio::test]
async fn no_page_holds_a_style_or_a_script_of_its_own() {
    for path in PAGES {
        for element in markup::read(get(&console(), path).await.text()) {
            assert_ne!(element.name, "style", "{path}");
            assert!(element.get("style").is_none(), "{path}: {element:?}");
            let handler = element.attributes.keys().find(|name| name.starts_with("on"));
            assert_eq!(handler, None, "{path}");
            let data = element.get("type") == Some("application/json");
            assert!(element.name != "script" || data || element.get("src").is_some(), "{path}");
        }
    }
}

#[tokio::test]
async fn every_field_has_a_name() {
    for path in PAGES {
        let elements = markup::read(get(&console(), path).await.text());
        let labels: Vec<_> = elements.iter().filter_map(|element| element.get("for")).collect();
        for field in elements.iter().filter(|one| ["input", "textarea"].contains(&&*one.name)) {
            let hidden = field.get("type") == Some("hidden");
            let labelled = field.get("id").is_some_and(|id| labels.contains(&id));
            assert!(hidden || labelled || field.get("aria-label").is_some(), "{path}: {field:?}");
        }
    }
}

#[tokio::test]
async fn every_link_leads_to_something() {
    let router = console();
    let mut known = BTreeSet::new();
    for path in PAGES {
        for element in markup::read(get(&router, path).await.text()) {
            let names = ["href", "src", "action"];
            let target = names.iter().find_map(|name| element.get(name));
            let Some(target) = target.filter(|target| !target.starts_with('#')) else { continue };
            assert!(target.starts_with('/'), "{path}: {target} is elsewhere");
            let target = target.replace("&#38;", "&").replace("&amp;", "&");
            let form = element.get("method") == Some("post");
            let query = target.starts_with("/sql?q=") || target.starts_with("/explore?");
            if form || query || element.get("download").is_some() || !known.insert(target.clone()) {
                continue;
            }
            let status = get(&router, &target).await.status;
            assert_eq!(status, StatusCode::OK, "{path}: {target}");
        }
    }
    // Those of one page stand for all: what an address says is tested by itself.
    let page = get(&router, "/explore?signal=level&as=mean&show=table").await;
    for element in markup::read(page.text()) {
        let target = element.get("href").filter(|target| target.starts_with("/explore?"));
        let Some(target) = target.map(|target| target.replace("&#38;", "&")) else { continue };
        assert_eq!(get(&router, &target).await.status, StatusCode::OK, "{target}");
    }
}

#[tokio::test]
async fn every_page_carries_the_policy_and_a_tag_that_answers() {
    let router = console();
    for path in PAGES {
        let page = get(&router, path).await;
        assert_eq!(page.header("content-security-policy"), console::CSP, "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        let again = get_with(&router, path, &[("if-none-match", page.header("etag"))]).await;
        let same =
            if page.status == StatusCode::OK { StatusCode::NOT_MODIFIED } else { page.status };
        assert_eq!(again.status, same, "{path}");
        assert_eq!(again.header("content-security-policy"), console::CSP, "{path}");
    }
}

#[tokio::test]
async fn a_time_is_told_in_both_forms_and_a_number_is_isolated() {
    for path in PAGES {
        let elements = markup::read(get(&console(), path).await.text());
        for time in elements.iter().filter(|element| element.name == "time") {
            assert!(time.get("datetime").is_some_and(|at| at.ends_with('Z')), "{path}");
            assert!(time.within.iter().any(|name| name == "bdi"), "{path}: {time:?}");
        }
        let outside = |element: &&markup::Element| {
            !["bdi", "time", "textarea", "option", "text", "title", "pre"].contains(&&*element.name)
        };
        for element in elements.iter().filter(outside) {
            let unit = element.text.contains('\u{a0}') && element.get("data-cell").is_none();
            let range = ["1\u{a0}h", "12\u{a0}h"].contains(&element.text.trim());
            assert!(!unit || range, "{path}: a bare value in {element:?}");
        }
    }
}

#[tokio::test]
async fn an_empty_site_says_what_it_waits_for() {
    let router = console::router(std::sync::Arc::new(crate::world::World::still().empty()));
    for path in ["/", "/devices", "/system"] {
        let page = get(&router, path).await;
        assert!(page.text().contains("mqtt://127.0.0.1:1883"), "{path}");
        markup::read(page.text());
    }
    let nothing = get(&router, "/devices/barn").await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn clients_are_found_sorted_and_told_a_page_at_a_time() {
    let router = console();
    let ids = |html: &str| -> Vec<String> {
        let rows = markup::read(html).into_iter();
        let links = rows.filter(|one| one.within.last().is_some_and(|name| name == "th"));
        links.filter_map(|link| link.get("href").map(str::to_owned)).collect()
    };
    let first = get(&router, "/system").await;
    let mut seen = ids(first.text());
    assert_eq!(seen.len(), 40);
    let links = markup::read(first.text());
    let next = links.iter().find(|link| link.get("rel") == Some("next")).unwrap();
    let second = get(&router, next.get("href").unwrap()).await;
    seen.extend(ids(second.text()));
    let mut once = seen.clone();
    once.dedup();
    assert!(seen.len() > 40 && once.len() == seen.len() && seen.is_sorted(), "{seen:?}");

    for (path, top) in [("order=waiting", "laboratory"), ("order=rate", "laboratory")] {
        let page = get(&router, &format!("/system?{path}")).await;
        assert_eq!(ids(page.text())[0], format!("/system/clients/{top}"), "{path}");
    }
    let found = get(&router, "/system?search=PUMP-n").await;
    assert_eq!(ids(found.text()), ["/system/clients/water/pump-north"]);
    let client = get(&router, "/system/clients/laboratory").await;
    for part in ["$share/lab/meters/+", "browsers", "wss", "4,311", "for ever"] {
        assert!(client.text().contains(part), "{part}");
    }
}

#[tokio::test]
async fn a_client_is_closed_by_our_own_form_only() {
    let router = console();
    let form = |session: &str| format!("client=water%2Fpump-north&session={session}");
    let own = "http://althing.local";
    let kept = post(&router, "/system/close", &form("keep"), own).await;
    assert_eq!(kept.status, StatusCode::SEE_OTHER);
    assert_eq!(kept.header("location"), "/system/clients/water/pump-north");
    let ended = post(&router, "/system/close", &form("end"), own).await;
    assert_eq!(ended.header("location"), "/system");
    let foreign = post(&router, "/system/close", &form("end"), "http://evil.example").await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let nobody = post(&router, "/system/close", "client=nobody&session=keep", own).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_choice_of_colours_is_kept_and_only_taken_from_our_own_pages() {
    let router = console();
    let own = post(&router, "/preferences", "theme=dark&back=%2Fsql", "http://althing.local").await;
    assert_eq!(own.status, StatusCode::SEE_OTHER);
    assert_eq!(own.header("location"), "/sql");
    let cookie = own.header("set-cookie").split(';').next().unwrap();
    let page = get_with(&router, "/", &[("cookie", cookie)]).await;
    assert!(page.text().contains("data-theme=\"dark\""));
    let foreign = post(&router, "/preferences", "theme=dark&back=%2F", "http://evil.example").await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert_eq!(foreign.header("set-cookie"), "");
    let away =
        post(&router, "/preferences", "theme=x&back=%2F%2Fevil", "http://althing.local").await;
    assert_eq!(away.header("location"), "/");
}

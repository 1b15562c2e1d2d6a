//! A person's choices that no page depends on. They live in a cookie until there are accounts.

use axum::Form;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use serde::Deserialize;

use crate::pages::faults;
use crate::reply;
use crate::router::Ask;
use crate::shell::Theme;

#[derive(Debug, Deserialize)]
pub(crate) struct Choice {
    theme: String,
    /// The page the form stood on.
    back: String,
}

pub(crate) async fn change(ask: Ask, Form(choice): Form<Choice>) -> Response {
    if !own_origin(&ask.headers) {
        return faults::foreign(&ask);
    }
    let theme = Theme::parse(&choice.theme);
    let mut response = reply::see_other(local(&choice.back));
    let cookie =
        format!("theme={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", theme.word());
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// A browser names the page a form came from. Without a name it is no browser, and nobody's
/// cookie is at stake.
pub(crate) fn own_origin(headers: &HeaderMap) -> bool {
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

/// Only a path of ours: `//host` and `/\host` would lead a browser elsewhere.
fn local(back: &str) -> &str {
    let elsewhere = back.starts_with("//") || back.contains('\\') || !back.starts_with('/');
    if elsewhere || back.chars().any(char::is_control) { "/" } else { back }
}

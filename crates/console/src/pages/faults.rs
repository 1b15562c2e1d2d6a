//! Pages for what cannot be shown: what failed, whether the data is safe, what to do.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use crate::filters;
use crate::markup::Markup;
use crate::pages::PageFault;
use crate::reply;
use crate::router::Ask;
use crate::shell::{Here, Shell, Theme};
use crate::show;
use crate::urls;
use crate::words::Text;

#[derive(Template)]
#[template(path = "fault.html")]
struct Page {
    shell: Shell,
    t: Text,
    sentence: Markup,
    similar: Vec<(String, String)>,
    retry: Option<String>,
}

pub(crate) async fn no_page(ask: Ask) -> Response {
    let t = Text::default();
    let sentence = t.fault_no_page(&show::code(ask.uri.path()));
    reply_with(&ask, StatusCode::NOT_FOUND, t.fault_gone_title(), sentence, Vec::new())
}

pub(crate) fn no_device(ask: &Ask, handle: &str) -> Response {
    let t = Text::default();
    let similar = ask.site.similar(handle);
    let similar = similar.into_iter().map(|handle| (urls::device(&handle), handle)).collect();
    let sentence = t.fault_no_device(&show::name(handle));
    reply_with(ask, StatusCode::NOT_FOUND, t.fault_gone_title(), sentence, similar)
}

pub(crate) fn no_client(ask: &Ask, id: &str) -> Response {
    let t = Text::default();
    let sentence = t.fault_no_client(&show::code(id));
    reply_with(ask, StatusCode::NOT_FOUND, t.fault_gone_title(), sentence, Vec::new())
}

/// A form came from another site's page.
pub(crate) fn foreign(ask: &Ask) -> Response {
    let t = Text::default();
    let sentence = Markup::text(t.fault_foreign());
    reply_with(ask, StatusCode::FORBIDDEN, t.fault_foreign_title(), sentence, Vec::new())
}

pub(crate) fn broken(ask: &Ask, fault: &PageFault) -> Response {
    tracing::error!(error = fault as &dyn std::error::Error, path = ask.uri.path(), "page failed");
    let t = Text::default();
    let durable = ask.site.durable();
    let identity = ask.site.identity();
    let sentence = match durable.time {
        Some(time) => t.fault_broken(&show::clock(time, &identity.zone)),
        None => Markup::text(t.fault_broken_empty()),
    };
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    reply_with(ask, status, t.fault_broken_title(), sentence, Vec::new())
}

fn reply_with(
    ask: &Ask,
    status: StatusCode,
    title: &str,
    sentence: Markup,
    similar: Vec<(String, String)>,
) -> Response {
    let shell = Shell::new(ask, Here::Nowhere, title, ask.site.durable());
    let retry = status.is_server_error().then(|| shell.path.clone());
    let page = Page { t: shell.t, shell, sentence, similar, retry };
    match page.render() {
        Ok(html) => reply::page(&ask.headers, status, &html),
        Err(fault) => {
            tracing::error!(error = &fault as &dyn std::error::Error, "the error page failed");
            reply::page(&ask.headers, status, Text::default().fault_broken_title())
        }
    }
}

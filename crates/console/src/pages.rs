//! One module per page: from a view of the site to markup.

pub(crate) mod about;
pub(crate) mod completeness;
pub(crate) mod device;
pub(crate) mod devices;
pub(crate) mod explore;
pub(crate) mod faults;
pub(crate) mod figure;
pub(crate) mod overview;
pub(crate) mod preferences;
pub(crate) mod range;
pub(crate) mod rows;
pub(crate) mod spark;
pub(crate) mod sql;
pub(crate) mod system;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use crate::reply;
use crate::router::Ask;
use crate::site::SiteFault;

/// Why a page cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageFault {
    #[error(transparent)]
    Site(#[from] SiteFault),
    #[error("the page's work ended early")]
    Stopped(#[source] tokio::task::JoinError),
    #[error("the page's template failed")]
    Template(#[from] askama::Error),
}

/// The page, or the page that says why there is none.
pub(crate) fn answer<T: Template>(ask: &Ask, made: Result<T, PageFault>) -> Response {
    match made.and_then(|page| Ok(page.render()?)) {
        Ok(html) => reply::page(&ask.headers, StatusCode::OK, &html),
        Err(fault) => faults::broken(ask, &fault),
    }
}

/// One record, quoted where it must be.
pub(crate) fn csv_line(out: &mut String, fields: &[&str]) {
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        if field.contains(['"', ',', '\n', '\r']) {
            out.push('"');
            out.push_str(&field.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(field);
        }
    }
    out.push_str("\r\n");
}

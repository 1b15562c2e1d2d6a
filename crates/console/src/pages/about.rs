//! What this is, whose work is in it, and the choices of the person who looks.

use askama::Template;
use axum::response::Response;

use crate::assets::{NOTICES, Notice};
use crate::filters;
use crate::markup::Markup;
use crate::pages::answer;
use crate::router::Ask;
use crate::shell::{Here, Shell, Theme};
use crate::show;
use crate::words::Text;

#[derive(Template)]
#[template(path = "about.html")]
struct Page {
    shell: Shell,
    t: Text,
    version: String,
    mqtt: String,
    position: Markup,
}

#[derive(Template)]
#[template(path = "licences.html")]
struct Licences {
    shell: Shell,
    t: Text,
    notices: &'static [Notice],
}

pub(crate) async fn show(ask: Ask) -> Response {
    let identity = ask.site.identity();
    let durable = ask.site.durable();
    let t = Text::default();
    let page = Page {
        t,
        shell: Shell::new(&ask, Here::About, t.nav_about(), durable),
        version: identity.version,
        mqtt: identity.mqtt,
        position: show::count(durable.position),
    };
    answer(&ask, Ok(page))
}

pub(crate) async fn licences(ask: Ask) -> Response {
    let t = Text::default();
    let shell = Shell::new(&ask, Here::About, t.licences_title(), ask.site.durable());
    answer(&ask, Ok(Licences { t, shell, notices: NOTICES }))
}

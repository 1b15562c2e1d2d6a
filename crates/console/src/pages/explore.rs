//! Explore: compare anything. The choice is the address; its endings give the same numbers as data.

mod figures;
mod form;
mod lines;
mod notes;
mod plan;
mod state;

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::tz::TimeZone;
use model::Timestamp;

use crate::explore::{Choices, Search};
use crate::filters;
use crate::markup::Markup;
use crate::pages::{PageFault, faults, sql};
use crate::reply;
use crate::router::Ask;
use crate::shell::{Here, Shell, Theme};
use crate::show;
use crate::site::{Durable, SiteFault, SqlAnswer, SqlFault};
use crate::words::Text;

use figures::Sheet;
use form::{Chooser, Form};
use notes::Note;
use plan::Plan;
use state::{Asked, Over, TimeFault};

/// Names in each list; the others are found by typing. Two lists fit a screen of a desk.
const NAMES_MAX: usize = 12;

/// Rows of an answer: more than any plan but of single readings has, where it is the limit.
const ROWS_MAX: usize = 4_000;

#[derive(Template)]
#[template(path = "explore.html")]
struct Page {
    shell: Shell,
    t: Text,
    form: Form,
    chooser: Chooser,
    /// What was typed to find signals and devices.
    found: (String, String),
    notes: Vec<Note>,
    fault: Option<Markup>,
    sheet: Option<Sheet>,
    /// What the site waits for, before its first device.
    empty: Option<Markup>,
    /// Label and address.
    suggestions: Vec<(Markup, String)>,
}

#[derive(Template)]
#[template(path = "choices.html")]
struct Lists {
    t: Text,
    chooser: Chooser,
}

/// What a page is made from.
pub(crate) struct View {
    pub(crate) asked: Asked,
    pub(crate) over: Over,
    pub(crate) choices: Choices,
    pub(crate) durable: Durable,
    pub(crate) now: Timestamp,
    pub(crate) zone: TimeZone,
    pub(crate) span: Result<(Timestamp, Timestamp), TimeFault>,
}

impl View {
    fn plan(&self) -> Option<Plan> {
        let span = self.span.ok()?;
        Plan::new(&self.asked, self.choices.lines.clone(), span, &self.zone)
    }
}

type Pairs = Vec<(String, String)>;

pub(crate) async fn show(ask: Ask, Query(pairs): Query<Pairs>) -> Response {
    let (asked, over) = Asked::parse(&pairs);
    let own = asked.pairs();
    let plain = own.len() == pairs.len()
        && own.iter().zip(&pairs).all(|((key, value), (name, text))| key == name && value == text);
    // A form says everything; the address that one shares says what was chosen.
    if !plain && over == Over::default() {
        return reply::see_other(&asked.address("/explore"));
    }
    let view = match read(&ask, asked, over).await {
        Ok(view) => view,
        Err(fault) => return faults::broken(&ask, &fault),
    };
    let plan = view.plan();
    let answer = match &plan {
        Some(plan) => Some(ask.site.explore(&plan.question, ROWS_MAX).await),
        None => None,
    };
    respond(&ask, &view, plan.as_ref(), answer)
}

async fn read(ask: &Ask, asked: Asked, over: Over) -> Result<View, PageFault> {
    ask.read(move |site| {
        let search = Search {
            signal_text: asked.signal_text.clone(),
            device_text: asked.device_text.clone(),
            signals: asked.signals.clone(),
            devices: asked.devices.clone(),
            limit: NAMES_MAX,
        };
        let (now, zone) = (site.now(), site.identity().zone);
        let choices = site.choices(&search)?;
        let span = asked.time.span(now, &zone);
        Ok::<_, SiteFault>(View { durable: site.durable(), asked, over, choices, now, zone, span })
    })
    .await
}

fn respond(
    ask: &Ask,
    view: &View,
    plan: Option<&Plan>,
    answer: Option<Result<SqlAnswer, SqlFault>>,
) -> Response {
    let t = Text::default();
    let mut shell = Shell::new(ask, Here::Explore, t.nav_explore(), view.durable);
    let mut notes = notes::of_choice(view, plan, t);
    let (mut fault, mut status, mut sheet) = (None, StatusCode::OK, None);
    match (plan, answer) {
        (Some(plan), Some(Ok(answer))) => {
            notes.extend(notes::of_answer(view, plan, &answer, t));
            if !answer.truncated && !answer.rows.is_empty() {
                let drawn = figures::draw(view, plan, &answer, t);
                shell.charts = drawn.drawing.is_some();
                sheet = Some(drawn);
            }
        }
        (_, Some(Err(found))) => {
            status = sql::status(&found);
            fault = Some(sql::sentence(&found, t));
        }
        (_, None) | (None, Some(Ok(_))) => {}
    }
    let bare = view.asked.signals.is_empty() && view.asked.devices.is_empty();
    let searched = !view.asked.signal_text.is_empty() || !view.asked.device_text.is_empty();
    let nothing = view.choices.signals.is_empty() && bare && !searched;
    let page = Page {
        t,
        form: Form::new(view, plan, t),
        chooser: Chooser::new(&view.choices, t),
        found: (view.asked.signal_text.clone(), view.asked.device_text.clone()),
        notes,
        fault,
        sheet,
        empty: nothing.then(|| t.overview_empty(&show::code(&ask.site.identity().mqtt))),
        suggestions: if bare { form::suggestions(&view.choices, t) } else { Vec::new() },
        shell,
    };
    match page.render() {
        Ok(html) => reply::page(&ask.headers, status, &html),
        Err(fault) => faults::broken(ask, &PageFault::Template(fault)),
    }
}

/// The lists alone, while a person types.
pub(crate) async fn lists(ask: Ask, Query(pairs): Query<Pairs>) -> Response {
    let (asked, over) = Asked::parse(&pairs);
    match read(&ask, asked, over).await {
        Ok(view) => {
            let t = Text::default();
            let made = Lists { t, chooser: Chooser::new(&view.choices, t) }.render();
            match made {
                Ok(html) => reply::page(&ask.headers, StatusCode::OK, &html),
                Err(fault) => faults::broken(&ask, &PageFault::Template(fault)),
            }
        }
        Err(fault) => faults::broken(&ask, &fault),
    }
}

pub(crate) async fn csv(ask: Ask, Query(pairs): Query<Pairs>) -> Response {
    data(&ask, &pairs, "csv").await
}

pub(crate) async fn json(ask: Ask, Query(pairs): Query<Pairs>) -> Response {
    data(&ask, &pairs, "json").await
}

pub(crate) async fn parquet(ask: Ask, Query(pairs): Query<Pairs>) -> Response {
    data(&ask, &pairs, "parquet").await
}

/// The statement of the charts goes to the API, which gives all of its rows in whatever form.
async fn data(ask: &Ask, pairs: &Pairs, format: &str) -> Response {
    let (asked, over) = Asked::parse(pairs);
    let to = asked.address("/explore");
    match read(ask, asked, over).await.map(|view| view.plan()) {
        Ok(Some(plan)) => reply::see_other(&sql::download(&plan.question.statement(), format)),
        // There the page says what is missing.
        Ok(None) => reply::see_other(&to),
        Err(fault) => faults::broken(ask, &fault),
    }
}

//! Overview: is all well; if not, what first.

use askama::Template;
use axum::response::Response;
use jiff::tz::TimeZone;
use model::Timestamp;

use crate::filters;
use crate::markup::Markup;
use crate::pages::rows::Row;
use crate::pages::{answer, spark};
use crate::router::Ask;
use crate::shell::{Here, Shell, Theme};
use crate::show;
use crate::site::{Activity, ActivityKind, Attention, Change, Figures, Overview, Trouble};
use crate::urls;
use crate::words::Text;

/// What a person without a device can do at once.
const TRY_IT: &str = "althing pub demo/temp '{\"temp\": 21.4}'";

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    shell: Shell,
    t: Text,
    empty: Option<Markup>,
    try_it: &'static str,
    figures: Vec<Figure>,
    attention: Vec<Item>,
    attention_total: u64,
    all_well: Markup,
    changed: Vec<Moved>,
    activity: Vec<Event>,
    devices: Vec<Row>,
}

/// A number with its name above and its measure beside.
pub(crate) struct Figure {
    pub(crate) label: &'static str,
    pub(crate) value: String,
    pub(crate) note: String,
    pub(crate) mark: Option<&'static str>,
    pub(crate) cell: &'static str,
    pub(crate) note_cell: &'static str,
}

struct Item {
    mark: &'static str,
    word: &'static str,
    handle: String,
    href: String,
    kind: String,
    sentence: Markup,
    lasting: Markup,
}

struct Moved {
    handle: String,
    href: String,
    label: String,
    spark: Markup,
    value: Markup,
    by: Markup,
}

struct Event {
    time: Markup,
    sentence: Markup,
}

pub(crate) async fn show(ask: Ask) -> Response {
    let view = ask.read(|site| Ok((site.overview()?, site.identity(), site.now()))).await;
    let made = view.map(|(view, identity, now)| {
        let t = Text::default();
        let shell = Shell::new(&ask, Here::Overview, t.nav_overview(), view.durable);
        let empty =
            (view.figures.devices == 0).then(|| t.overview_empty(&show::code(&identity.mqtt)));
        page(shell.live("?view=overview"), &view, (now, &identity.zone), empty)
    });
    answer(&ask, made)
}

fn page(shell: Shell, view: &Overview, at: (Timestamp, &TimeZone), empty: Option<Markup>) -> Page {
    let t = shell.t;
    let (now, zone) = at;
    Page {
        t,
        try_it: TRY_IT,
        shell,
        empty,
        figures: figures(&view.figures, t),
        attention: view.attention.iter().map(|one| item(one, at, t)).collect(),
        attention_total: view.attention_total,
        all_well: t.attention_none(view.figures.reporting),
        changed: view.changed.iter().map(|change| moved(change, t)).collect(),
        activity: view.activity.iter().map(|one| event(one, at, t)).collect(),
        devices: view.devices.iter().map(|row| Row::new(row, now, zone, t)).collect(),
    }
}

/// Also what the live stream sends when they change.
pub(crate) fn figures(figures: &Figures, t: Text) -> Vec<Figure> {
    let silent = figures.devices.saturating_sub(figures.reporting);
    let late = figures.late_worst.filter(|_| figures.late_devices > 0);
    vec![
        Figure {
            label: t.figure_reporting(),
            value: show::count_plain(figures.reporting),
            note: t.figure_of_plain(figures.devices),
            mark: None,
            cell: "#reporting",
            note_cell: "#devices",
        },
        Figure {
            label: t.figure_silent(),
            value: show::count_plain(silent),
            note: if silent == 0 { t.figure_silent_none() } else { t.figure_silent_some() }
                .to_owned(),
            mark: (silent > 0).then_some("stale"),
            cell: "#silent",
            note_cell: "#silence",
        },
        Figure {
            label: t.figure_readings(),
            value: show::compact(figures.readings_today),
            note: t.figure_durable().to_owned(),
            mark: None,
            cell: "#readings",
            note_cell: "#durable",
        },
        Figure {
            label: t.figure_late(),
            value: show::count_plain(figures.late_devices),
            note: late.map_or_else(
                || t.figure_late_none().to_owned(),
                |worst| t.figure_late_worst_plain(&show::span_plain(worst, t)),
            ),
            mark: late.is_some().then_some("warn"),
            cell: "#late",
            note_cell: "#worst",
        },
    ]
}

fn item(one: &Attention, at: (Timestamp, &TimeZone), t: Text) -> Item {
    let (now, zone) = at;
    let since = show::day_and_clock(one.since, now, zone);
    let (mark, word, sentence) = match one.trouble {
        Trouble::Silent { rhythm: None } => ("stale", t.status_silent(), t.trouble_silent(&since)),
        Trouble::Silent { rhythm: Some(rhythm) } => {
            let rhythm = show::span(rhythm, t);
            ("stale", t.status_silent(), t.trouble_silent_rhythm(&since, &rhythm))
        }
        Trouble::Unreadable { messages } => {
            ("warn", t.status_warning(), t.trouble_unreadable(messages))
        }
        Trouble::Late { by } => ("warn", t.status_warning(), t.trouble_late(&show::span(by, t))),
    };
    Item {
        mark,
        word,
        href: urls::device(&one.handle),
        handle: one.handle.clone(),
        kind: one.kind.clone(),
        sentence,
        lasting: show::span(now.since(one.since), t),
    }
}

fn moved(change: &Change, t: Text) -> Moved {
    let unit = change.unit.as_deref();
    let by = change.latest - change.before;
    let rounded = show::rounded(by, change.latest);
    let sign = if by > 0.0 { "+" } else { "" };
    Moved {
        href: urls::device(&change.handle),
        handle: change.handle.clone(),
        label: show::label(&change.signal),
        spark: spark::draw(&change.spark),
        value: show::code(&show::with_unit(show::rounded(change.latest, change.latest), unit)),
        by: t.changed_by(&show::code(&format!("{sign}{}", show::with_unit(rounded, unit)))),
    }
}

fn event(one: &Activity, at: (Timestamp, &TimeZone), t: Text) -> Event {
    let (now, zone) = at;
    let mut device = Markup::own(&format!("<a href=\"{}\">", urls::device(&one.handle)));
    device.push(&show::name(&one.handle));
    device.push_own("</a>");
    Event {
        time: show::day_and_clock(one.time, now, zone),
        sentence: match one.kind {
            ActivityKind::FirstMessage => t.activity_first(&device),
            ActivityKind::WentSilent => t.activity_silent(&device),
            ActivityKind::CameBack => t.activity_back(&device),
        },
    }
}

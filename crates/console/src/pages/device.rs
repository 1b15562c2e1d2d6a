//! Device: its state, its last values, one chart per signal, and what it really sent.

mod charts;
mod data;

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use jiff::tz::TimeZone;
use model::Timestamp;
use serde::Deserialize;

use crate::filters;
use crate::markup::Markup;
use crate::pages::range::Range;
use crate::pages::rows::{self, cell};
use crate::pages::{PageFault, faults};
use crate::reply;
use crate::router::Ask;
use crate::shell::{Here, Shell, Theme};
use crate::show;
use crate::site::{Device, Reading, Signal, Site, SiteFault, Window};
use crate::urls;
use crate::words::Text;

use charts::Figure;

/// One point in four pixels of the widest plot: finer is noise, and bytes on a slow line.
pub(crate) const COLUMNS: u32 = 240;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    range: String,
    /// `table`: numbers where the charts would be.
    show: String,
    /// Only this signal's chart.
    signal: String,
}

#[derive(Template)]
#[template(path = "device.html")]
struct Page {
    shell: Shell,
    t: Text,
    handle: String,
    kind: String,
    kind_href: String,
    mark: &'static str,
    status: &'static str,
    seen: Option<Markup>,
    ranges: Vec<Choice>,
    as_table: Choice,
    csv: String,
    json: String,
    figures: Vec<Figure>,
    axis: Option<Markup>,
    points: String,
    ticks: String,
    bounds: (i64, i64),
    zone: String,
    nothing_yet: bool,
    now: Vec<Now>,
    more: Option<Markup>,
    messages: Vec<Message>,
    id: String,
    first_seen: Option<Markup>,
    keys: Vec<String>,
    attributes: Vec<(String, String)>,
    /// Where its days are told.
    completeness: String,
}

struct Choice {
    label: &'static str,
    href: String,
    chosen: bool,
}

fn attributes(device: &Device) -> Vec<(String, String)> {
    let pairs = device.attributes.iter();
    pairs.map(|(name, value)| (show::label(name), value.clone())).collect()
}

/// The last value of a signal.
struct Now {
    label: String,
    cell: String,
    value: Markup,
    time: Option<Markup>,
    guessed: bool,
    href: Option<String>,
}

struct Message {
    time: Markup,
    topic: String,
    dialect: Option<String>,
    bytes: String,
    preview: String,
    position: Markup,
}

/// What a page is drawn from.
struct View {
    device: Device,
    window: Window,
    zone: TimeZone,
    now: Timestamp,
}

pub(crate) async fn show(
    ask: Ask,
    Path(path): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let range = Range::parse(&asked.range);
    let exact = path.clone();
    match ask.read(move |site| read(site, &exact, range)).await {
        Ok(Some(view)) => return page_of(&ask, &asked, &view),
        Ok(None) => {}
        Err(fault) => return faults::broken(&ask, &fault),
    }
    // A handle may itself end like a file, so the ending is looked at last.
    let Some((handle, form)) = data::Form::split(&path) else {
        return faults::no_device(&ask, &path);
    };
    let inner = handle.clone();
    match ask.read(move |site| read(site, &inner, range)).await {
        Ok(Some(view)) => reply::data(&ask.headers, form.mime(), form.write(&view.device)),
        Ok(None) => faults::no_device(&ask, &handle),
        Err(fault) => faults::broken(&ask, &fault),
    }
}

fn read(site: &dyn Site, handle: &str, range: Range) -> Result<Option<View>, SiteFault> {
    let now = site.now();
    let window = Window { from: now.saturating_sub(range.span()), to: now, columns: COLUMNS };
    let device = site.device(handle, &window)?;
    Ok(device.map(|device| View { device, window, now, zone: site.identity().zone }))
}

fn page_of(ask: &Ask, asked: &Asked, view: &View) -> Response {
    let handle = &view.device.row.handle;
    let shell = Shell::new(ask, Here::Devices, handle, view.device.durable);
    let mut shell = shell.live(&urls::query(&[("device", handle)]));
    let charts = charts::draw(view, asked, shell.t);
    shell.charts = !charts.plain && !charts.figures.is_empty();
    let made = page(shell, (asked, view), charts).render();
    match made {
        Ok(html) => reply::page(&ask.headers, axum::http::StatusCode::OK, &html),
        Err(fault) => faults::broken(ask, &PageFault::Template(fault)),
    }
}

fn page(shell: Shell, (asked, view): (&Asked, &View), charts: charts::Charts) -> Page {
    let t = shell.t;
    let View { device, window, zone, now } = view;
    let row = &device.row;
    let address = urls::device(&row.handle);
    let range = Range::parse(&asked.range);
    let table = asked.show == "table";
    let link = |range: Range, table: bool| {
        let show = if table { "table" } else { "" };
        let parts = [("range", range.word()), ("show", show), ("signal", asked.signal.as_str())];
        format!("{address}{}", urls::query(&parts))
    };
    let label = if table { t.show_chart() } else { t.show_table() };
    let data = urls::query(&[("range", range.word())]);
    Page {
        t,
        kind: row.kind.clone(),
        kind_href: format!("/devices{}", urls::query(&[("type", &row.kind)])),
        mark: rows::mark(row.status),
        status: rows::status(row.status, t),
        seen: row.last_seen.map(|time| show::day_and_clock(time, *now, zone)),
        ranges: Range::ALL
            .map(|one| Choice { label: one.label(t), href: link(one, table), chosen: one == range })
            .into(),
        as_table: Choice { label, href: link(range, !table), chosen: table },
        csv: format!("{address}.csv{data}"),
        json: format!("{address}.json{data}"),
        bounds: (window.from.millis(), window.to.millis()),
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        nothing_yet: device.signals.is_empty(),
        now: device.signals.iter().map(|signal| latest(view, signal, t)).collect(),
        more: charts.more,
        figures: charts.figures,
        axis: charts.axis,
        points: charts.points,
        ticks: charts.ticks,
        messages: messages(view),
        id: device.id.clone(),
        first_seen: device.first_seen.map(|time| show::stamp(time, zone)),
        keys: device.keys.clone(),
        attributes: attributes(device),
        completeness: format!("/completeness{}", urls::query(&[("device", &row.handle)])),
        handle: row.handle.clone(),
        shell,
    }
}

fn latest(view: &View, signal: &Signal, t: Text) -> Now {
    let handle = &view.device.row.handle;
    let unit = signal.unit.as_deref();
    let charted = signal.points.iter().any(|point| point.last.is_finite());
    Now {
        label: show::label(&signal.name),
        cell: cell(handle, &signal.name),
        value: value(signal.latest.as_ref(), unit, t),
        time: signal.latest.as_ref().map(|one| show::day_and_clock(one.time, view.now, &view.zone)),
        guessed: signal.guessed,
        href: charted.then(|| {
            format!("{}{}", urls::device(handle), urls::query(&[("signal", &signal.name)]))
        }),
    }
}

fn value(latest: Option<&Reading>, unit: Option<&str>, t: Text) -> Markup {
    latest.map_or_else(|| Markup::text(t.none()), |one| show::value(&one.value, unit, t))
}

fn messages(view: &View) -> Vec<Message> {
    let each = view.device.messages.iter().map(|message| Message {
        time: show::day_and_clock_seconds(message.time, view.now, &view.zone),
        topic: message.topic.clone(),
        dialect: message.dialect.clone(),
        bytes: show::bytes(message.bytes),
        preview: message.preview.clone(),
        position: show::count(message.position),
    });
    each.collect()
}

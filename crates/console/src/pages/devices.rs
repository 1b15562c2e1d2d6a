//! Devices: find the right ones. The address is the filter; its endings give the same list as data.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::filters;
use crate::markup::Markup;
use crate::pages::rows::{self, Row};
use crate::pages::{answer, csv_line, faults};
use crate::reply;
use crate::router::Ask;
use crate::shell::{Here, Shell, Theme};
use crate::show;
use crate::site::{DeviceFilter, DeviceList, DeviceRow, Order, Status, Value};
use crate::urls;
use crate::words::Text;

/// Rows on a page: two screens of a desk, and 12 KB that compress to 3.
pub(crate) const ROWS_MAX: u64 = 50;
/// Rows of data in one answer: about 2 MB. The next ones start at `?page=`.
const DATA_ROWS_MAX: u64 = 10_000;
/// A type that few devices have is found by text.
const KINDS_MAX: usize = 12;

/// The filter as it stands in the address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    text: String,
    status: String,
    #[serde(rename = "type")]
    kind: String,
    order: String,
    page: String,
}

impl Asked {
    /// A word that the filter does not know filters nothing, as if it were not there.
    pub(crate) fn filter(&self, limit: u64) -> DeviceFilter {
        DeviceFilter {
            text: self.text.trim().to_owned(),
            status: match self.status.as_str() {
                "reporting" => Some(Status::Reporting),
                "silent" => Some(Status::Silent),
                _ => None,
            },
            kind: (!self.kind.is_empty()).then(|| self.kind.clone()),
            order: if self.order == "heard" { Order::LastSeen } else { Order::Handle },
            offset: (self.page() - 1).saturating_mul(limit),
            limit,
        }
    }

    fn page(&self) -> u64 {
        self.page.parse().unwrap_or(1).max(1)
    }

    /// The address with one part changed. Any change but of the page starts at the first page.
    fn with(&self, key: &str, value: &str) -> String {
        let part = |name: &str, own: &str| {
            if name == key { value.to_owned() } else { own.to_owned() }
        };
        urls::query(&[
            ("text", &part("text", self.text.trim())),
            ("status", &part("status", &self.status)),
            ("type", &part("type", &self.kind)),
            ("order", &part("order", &self.order)),
            ("page", if key == "page" { value } else { "" }),
        ])
    }

    fn filtered(&self) -> bool {
        let filter = self.filter(1);
        !filter.text.is_empty() || filter.status.is_some() || filter.kind.is_some()
    }
}

#[derive(Template)]
#[template(path = "devices.html")]
struct Page {
    shell: Shell,
    t: Text,
    asked: Asked,
    count: Markup,
    total: u64,
    /// Where devices connect.
    address: Markup,
    /// Id, title, choices.
    facets: [(&'static str, &'static str, Vec<Facet>); 2],
    orders: Vec<Facet>,
    devices: Vec<Row>,
    span: Option<Markup>,
    before: Option<String>,
    after: Option<String>,
    json: String,
    csv: String,
}

struct Facet {
    label: Markup,
    mark: Option<&'static str>,
    count: Option<u64>,
    href: String,
    chosen: bool,
}

pub(crate) async fn show(ask: Ask, Query(asked): Query<Asked>) -> Response {
    let filter = asked.filter(ROWS_MAX);
    let view =
        ask.read(move |site| Ok((site.devices(&filter)?, site.identity(), site.now()))).await;
    let made = view.map(|(list, identity, now)| {
        let t = Text::default();
        let shell = Shell::new(&ask, Here::Devices, t.nav_devices(), list.durable);
        let mut query = asked.with("page", &asked.page().to_string());
        query.push_str("&view=devices");
        let rows = list.rows.iter().map(|row| Row::new(row, now, &identity.zone, t)).collect();
        page(shell.live(&query), (asked, &list), rows, &identity.mqtt)
    });
    answer(&ask, made)
}

fn page(shell: Shell, (asked, list): (Asked, &DeviceList), devices: Vec<Row>, mqtt: &str) -> Page {
    let t = shell.t;
    let first = (asked.page() - 1).saturating_mul(ROWS_MAX);
    let last = first.saturating_add(u64::try_from(devices.len()).unwrap_or(u64::MAX));
    let paged = first > 0 || last < list.matching;
    Page {
        t,
        count: match asked.filtered() {
            true => t.devices_matching(list.matching, list.total),
            false => t.attention_count(list.total),
        },
        total: list.total,
        address: show::code(mqtt),
        facets: [
            ("by-status", t.column_status(), statuses(&asked, list, t)),
            ("by-type", t.column_type(), kinds(&asked, list, t)),
        ],
        orders: orders(&asked, t),
        span: (paged && last > first)
            .then(|| t.devices_span(&show::count(first + 1), &show::count(last), list.matching)),
        before: (first > 0).then(|| asked.with("page", &(asked.page() - 1).to_string())),
        after: (last < list.matching).then(|| asked.with("page", &(asked.page() + 1).to_string())),
        json: format!("/devices.json{}", asked.with("page", "")),
        csv: format!("/devices.csv{}", asked.with("page", "")),
        devices,
        shell,
        asked,
    }
}

fn statuses(asked: &Asked, list: &DeviceList, t: Text) -> Vec<Facet> {
    let all = Facet {
        label: Markup::text(t.facet_all()),
        mark: None,
        count: None,
        href: format!("/devices{}", asked.with("status", "")),
        chosen: asked.filter(1).status.is_none(),
    };
    let each = list.statuses.iter().map(|(status, count)| Facet {
        label: Markup::text(rows::status(*status, t)),
        mark: Some(rows::mark(*status)),
        count: Some(*count),
        href: format!("/devices{}", asked.with("status", word(*status))),
        chosen: asked.filter(1).status == Some(*status),
    });
    std::iter::once(all).chain(each).collect()
}

fn kinds(asked: &Asked, list: &DeviceList, t: Text) -> Vec<Facet> {
    let all = Facet {
        label: Markup::text(t.facet_all()),
        mark: None,
        count: None,
        href: format!("/devices{}", asked.with("type", "")),
        chosen: asked.kind.is_empty(),
    };
    let each = list.kinds.iter().take(KINDS_MAX).map(|(kind, count)| Facet {
        label: show::name(kind),
        mark: None,
        count: Some(*count),
        href: format!("/devices{}", asked.with("type", kind)),
        chosen: asked.kind == *kind,
    });
    std::iter::once(all).chain(each).collect()
}

fn orders(asked: &Asked, t: Text) -> Vec<Facet> {
    let order = asked.filter(1).order;
    let one = |label: &str, word: &str, own: Order| Facet {
        label: Markup::text(label),
        mark: None,
        count: None,
        href: format!("/devices{}", asked.with("order", word)),
        chosen: order == own,
    };
    vec![one(t.order_name(), "", Order::Handle), one(t.order_heard(), "heard", Order::LastSeen)]
}

const fn word(status: Status) -> &'static str {
    match status {
        Status::Reporting => "reporting",
        Status::Silent => "silent",
    }
}

#[derive(Serialize)]
struct Record<'a> {
    device: &'a str,
    r#type: &'a str,
    status: &'static str,
    last_heard: Option<String>,
    signal: Option<&'a str>,
    value: Option<serde_json::Value>,
    unit: Option<&'a str>,
}

impl<'a> Record<'a> {
    fn new(row: &'a DeviceRow) -> Self {
        let main = row.main.as_ref();
        Self {
            device: &row.handle,
            r#type: &row.kind,
            status: word(row.status),
            last_heard: row.last_seen.map(show::iso),
            signal: main.map(|main| main.signal.as_str()),
            value: main.map(|main| match &main.latest.value {
                Value::Number(number) => serde_json::Value::from(*number),
                Value::Text(text) => serde_json::Value::from(text.as_str()),
                Value::Bool(truth) => serde_json::Value::from(*truth),
            }),
            unit: main.and_then(|main| main.unit.as_deref()),
        }
    }
}

pub(crate) async fn json(ask: Ask, Query(asked): Query<Asked>) -> Response {
    data(ask, asked, "application/json", |list| {
        let records: Vec<Record<'_>> = list.rows.iter().map(Record::new).collect();
        serde_json::to_vec(&records).unwrap_or_default()
    })
    .await
}

pub(crate) async fn csv(ask: Ask, Query(asked): Query<Asked>) -> Response {
    data(ask, asked, "text/csv; charset=utf-8", |list| {
        let mut out = String::from("device,type,status,last_heard,signal,value,unit\r\n");
        for record in list.rows.iter().map(Record::new) {
            let value = record.value.map(|value| match value.as_str() {
                Some(text) => text.to_owned(),
                None => value.to_string(),
            });
            csv_line(
                &mut out,
                &[
                    record.device,
                    record.r#type,
                    record.status,
                    &record.last_heard.unwrap_or_default(),
                    record.signal.unwrap_or_default(),
                    &value.unwrap_or_default(),
                    record.unit.unwrap_or_default(),
                ],
            );
        }
        out.into_bytes()
    })
    .await
}

async fn data(
    ask: Ask,
    asked: Asked,
    mime: &'static str,
    form: fn(&DeviceList) -> Vec<u8>,
) -> Response {
    let filter = asked.filter(DATA_ROWS_MAX);
    match ask.read(move |site| site.devices(&filter)).await {
        Ok(list) => reply::data(&ask.headers, mime, form(&list)),
        Err(fault) => faults::broken(&ask, &fault),
    }
}

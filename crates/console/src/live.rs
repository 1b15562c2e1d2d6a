//! The live stream of one page: changed cells as text, new points of open charts.
//!
//! An event's `id` is the position up to which the page then knows everything. A browser that
//! lost the line sends it back as `Last-Event-ID`, and the stream goes on behind it: every point
//! comes once. Cells may come twice, they only hold the last value.

mod events;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::stream;
use jiff::tz::TimeZone;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::pages::devices::{self, ROWS_MAX};
use crate::pages::faults;
use crate::router::{App, Ask};
use crate::site::{Site, SiteFault, Want};
use crate::words::Text;

/// Streams at once. Each asks the site once or four times a second and holds one socket; more
/// pages than this are still pages, only without values that move.
const STREAMS_MAX: usize = 256;
/// When there are too many, and after a lost line.
const RETRY: &str = "retry: 3000\n\n";

const PACE_LIST: Duration = Duration::from_secs(1);
const PACE_DEVICE: Duration = Duration::from_millis(250);
/// A page that hears nothing for ten seconds says so; this is often enough to prevent it.
const SILENCE_MAX: Duration = Duration::from_secs(4);

#[derive(Clone)]
pub(crate) struct Streams(Arc<Semaphore>);

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(STREAMS_MAX)))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    view: String,
    device: String,
    from: String,
}

/// One page that listens.
struct Feed {
    site: Arc<dyn Site>,
    want: Want,
    zone: TimeZone,
    since: u64,
    pace: Interval,
    silence: Duration,
    waiting: VecDeque<String>,
    /// Given back when the line ends.
    _permit: OwnedSemaphorePermit,
}

pub(crate) async fn stream(
    State(app): State<App>,
    ask: Ask,
    Query(asked): Query<Asked>,
    Query(filter): Query<devices::Asked>,
) -> Response {
    let Ok(permit) = Arc::clone(&app.streams.0).try_acquire_owned() else {
        return full();
    };
    let since = start(&ask.headers, &asked);
    let points = !asked.device.is_empty();
    let want = match ask.read(move |site| want(site, &asked, &filter)).await {
        Ok(want) => want,
        Err(fault) => return faults::broken(&ask, &fault),
    };
    let mut pace = interval(if points { PACE_DEVICE } else { PACE_LIST });
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let feed = Feed {
        zone: ask.site.identity().zone,
        since: since.unwrap_or_else(|| ask.site.durable().position),
        site: ask.site,
        want,
        pace,
        silence: Duration::ZERO,
        waiting: VecDeque::from([RETRY.to_owned()]),
        _permit: permit,
    };
    let events = stream::unfold(feed, async |mut feed| {
        let event = feed.next().await?;
        Some((Ok::<_, Infallible>(event), feed))
    });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A proxy that collects an answer before it passes it on would make a stream useless.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// What a browser heard last is newer than what its page was drawn from.
fn start(headers: &HeaderMap, asked: &Asked) -> Option<u64> {
    let heard = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    heard.and_then(|id| id.parse().ok()).or_else(|| asked.from.parse().ok())
}

fn want(site: &dyn Site, asked: &Asked, filter: &devices::Asked) -> Result<Want, SiteFault> {
    if !asked.device.is_empty() {
        let devices = vec![asked.device.clone()];
        return Ok(Want { devices, points: true, figures: false });
    }
    let (rows, figures) = match asked.view.as_str() {
        "overview" => (site.overview()?.devices, true),
        _ => (site.devices(&filter.filter(ROWS_MAX))?.rows, false),
    };
    Ok(Want { devices: rows.into_iter().map(|row| row.handle).collect(), points: false, figures })
}

fn full() -> Response {
    let mut response = Response::new(Body::from("too many pages are open\n"));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
    response
}

impl Feed {
    /// `None` ends the stream; the browser comes back by itself.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            self.pace.tick().await;
            self.silence += self.pace.period();
            let durable = self.site.durable().position;
            if durable < self.since {
                // The page is of another site, or of another life of this one.
                self.waiting.push_back(events::gone());
                self.since = durable;
            } else if durable > self.since {
                self.ask().await?;
            } else if self.silence >= SILENCE_MAX {
                self.waiting.push_back(events::beat(self.since));
            }
            if !self.waiting.is_empty() {
                self.silence = Duration::ZERO;
            }
        }
    }

    async fn ask(&mut self) -> Option<()> {
        let site = Arc::clone(&self.site);
        let (since, want) = (self.since, self.want.clone());
        let asked = tokio::task::spawn_blocking(move || {
            site.changes(since, &want).map(|changes| (changes, site.now()))
        });
        let (changes, now) = match asked.await {
            Ok(Ok(changes)) => changes,
            Ok(Err(fault)) => {
                tracing::warn!(error = &fault as &dyn std::error::Error, "a stream ends");
                return None;
            }
            Err(stopped) => {
                tracing::warn!(error = &stopped as &dyn std::error::Error, "a stream ends");
                return None;
            }
        };
        if changes.gone {
            self.waiting.push_back(events::gone());
        } else {
            events::write(&mut self.waiting, &changes, (now, &self.zone), Text::default());
        }
        self.since = changes.durable.position.max(self.since);
        Some(())
    }
}

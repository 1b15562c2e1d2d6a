//! The HTTP API of a site as the door of an import: back-pressure, and patience.

use std::io::Read as _;
use std::time::Duration;

use field::{Clock, Stop};
use import::{Batch, Door, DoorFault};
use model::Moment;
use ureq::Agent;
use ureq::http::{HeaderMap, StatusCode};

const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// A site whose disk is slow answers late; one that never does is asked again.
const ANSWER_PATIENCE: Duration = Duration::from_secs(60);
const REASON_BYTES_MAX: u64 = 64 << 10;
/// Between two attempts, when the site does not say.
const PAUSE: Duration = Duration::from_secs(1);
/// Nobody waits longer because a site said so.
const PAUSE_MAX: Duration = Duration::from_secs(30);

pub(super) struct HttpDoor<'a> {
    site: String,
    agent: Agent,
    clock: Clock,
    stop: &'a Stop,
    patience: Duration,
    /// The site has answered before: it may come back.
    met: bool,
    /// Attempts that were not taken.
    pub(super) retries: u64,
}

/// What came of one attempt.
enum Attempt {
    Taken,
    /// After so long.
    Again(Duration, DoorFault),
    Never(DoorFault),
}

impl<'a> HttpDoor<'a> {
    pub(super) fn new(site: &str, patience: Duration, stop: &'a Stop) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_PATIENCE))
            .timeout_recv_response(Some(ANSWER_PATIENCE))
            .build();
        let (site, agent, clock) = (site.to_owned(), config.into(), Clock::start());
        Self { site, agent, clock, stop, patience, met: false, retries: 0 }
    }

    fn attempt(&mut self, batch: Batch<'_>) -> Attempt {
        let (request, body) = match batch {
            Batch::Senml(packs) => {
                let url = format!("{}/api/senml", self.site);
                let request = self.agent.post(&url).query("name", "import");
                (request.header("content-type", "application/senml+json"), packs)
            }
            Batch::Lines { database, points } => {
                let request = self.agent.post(&format!("{}/write", self.site));
                let request = request.query("db", database);
                (request.header("content-type", "text/plain; charset=utf-8"), points)
            }
        };
        let answer = match request.send(body) {
            Ok(answer) => answer,
            Err(fault) => {
                let fault = DoorFault::Unreachable(Box::new(fault));
                return if self.met { Attempt::Again(PAUSE, fault) } else { Attempt::Never(fault) };
            }
        };
        self.met = true;
        let (status, pause) = (answer.status(), pause(answer.headers()));
        let mut told = String::new();
        let mut body = answer.into_body().into_reader().take(REASON_BYTES_MAX);
        if status.is_success() {
            return Attempt::Taken;
        }
        // A reason that cannot be read is no reason; the status remains.
        if body.read_to_string(&mut told).is_err() {
            told.clear();
        }
        let told = reason(&told);
        if status == StatusCode::SERVICE_UNAVAILABLE || status.is_server_error() {
            return Attempt::Again(pause, DoorFault::Overloaded(told));
        }
        Attempt::Never(DoorFault::Refused { status: status.as_u16(), told })
    }

    fn since(&self, start: Moment) -> Duration {
        self.clock.moment().since(start)
    }
}

impl Door for HttpDoor<'_> {
    fn send(&mut self, batch: Batch<'_>) -> Result<(), DoorFault> {
        let start = self.clock.moment();
        loop {
            match self.attempt(batch) {
                Attempt::Taken => return Ok(()),
                Attempt::Never(fault) => return Err(fault),
                Attempt::Again(_, fault) if self.since(start) >= self.patience => {
                    return Err(fault);
                }
                Attempt::Again(pause, _) => {
                    self.retries += 1;
                    if self.stop.wait(pause) {
                        return Err(DoorFault::Stopped);
                    }
                }
            }
        }
    }
}

/// `Retry-After` in seconds.
fn pause(headers: &HeaderMap) -> Duration {
    let told = headers.get("retry-after").and_then(|value| value.to_str().ok());
    let seconds = told.and_then(|text| text.trim().parse().ok());
    seconds.map_or(PAUSE, Duration::from_secs).min(PAUSE_MAX)
}

/// The message of an answer of the API, or the answer.
fn reason(body: &str) -> Box<str> {
    let parsed: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let message = parsed.as_ref().and_then(|body| body.get("error")?.get("message")?.as_str());
    message.unwrap_or(body).trim().into()
}

#[cfg(test)]
mod tests;

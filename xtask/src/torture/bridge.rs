//! A site with a bridge to another broker, over a link that is cut for a long time while publishers
//! on both sides go on, and a kill -9 of the site in the middle of it.

mod ear;
mod heard;
mod place;
mod publisher;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::Args;

use super::flights::Flights;
use super::judge::{Scope as Question, judge};
use super::ledger::Ledger;
use super::link::Link;
use super::readings::Reading;
use super::site::{Program, Site};
use super::{Verdict, Which, sql};
use crate::clock;
use crate::comparison::{Peer, Programs, Purpose, Running, start_other};
use crate::dice::Dice;
use crate::setup;
use ear::Ear;
use heard::Heard;
use place::Place;
use publisher::Publisher;

/// As in `kill`.
const READY_WAIT: Duration = Duration::from_secs(60);
const EPOCH_AGE_MS: i64 = 2 * 24 * 3600 * 1000;

/// A bridge that has carried nothing by then is not at work.
const FIRST_WAIT: Duration = Duration::from_secs(60);

/// Of each publisher, before the link is cut and again after it is healed.
const SETTLED_MESSAGES: u64 = 20;

/// What a site keeps for a client that is away, with room for what comes before and after the cut.
const BACKLOG_MAX: u64 = 90_000;

/// Connections that end with a kill, each of which lets messages come again: of publishers, of the
/// subscriber, and of the bridge within the site.
const BREAKS_OF_KILL: u64 = 3;

/// Sequences in one question to SQL.
const QUESTION: u64 = 20_000;

#[derive(Clone, Debug, Args)]
pub struct Plan {
    /// Seconds for which the link is cut.
    #[arg(long, default_value_t = 600)]
    pub cut: u64,
    /// On each side.
    #[arg(long, default_value_t = 4)]
    pub publishers: u32,
    /// Messages a second of each publisher.
    #[arg(long, default_value_t = 20)]
    pub rate: u32,
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The site is not killed while the link is cut.
    #[arg(long)]
    pub no_kill: bool,
    /// Seconds without any message after which one waits no longer for what is owed. A bridge
    /// leaves a broker alone for up to a minute.
    #[arg(long, default_value_t = 120)]
    pub patience: u64,
    /// Without another broker and a bridge: what is published comes out of the site itself. This
    /// tells how well the witnesses see.
    #[arg(skip)]
    pub alone: bool,
    #[command(flatten)]
    pub which: Which,
}

/// # Errors
/// When a broker does not start or ends by itself: no verdict is possible then.
pub fn run(plan: &Plan) -> Result<Verdict> {
    let waiting = u64::from(plan.publishers) * u64::from(plan.rate) * plan.cut;
    ensure!(plan.publishers > 0 && plan.rate > 0, "nothing would be published");
    ensure!(waiting <= BACKLOG_MAX, "{waiting} messages wait; a site keeps {BACKLOG_MAX}");
    let scratch = tempfile::Builder::new().prefix("althing-torture-").tempdir()?;
    let outcome = Run::prepare(plan, scratch.path()).and_then(|run| run.through());
    if !outcome.as_ref().is_ok_and(Verdict::is_clean) {
        let kept = scratch.keep();
        crate::say(&format!("the data and the log are kept in {}", kept.display()));
    }
    outcome
}

/// One direction over the bridge.
#[derive(Debug)]
struct Way {
    name: &'static str,
    from_site: bool,
    ledger: Ledger,
    heard: Heard,
    /// What the bridge puts before topics.
    prefix: &'static str,
}

impl Way {
    fn new(name: &'static str, from_site: bool, prefix: &'static str, publishers: u32) -> Self {
        let (ledger, heard) = (Ledger::new(publishers), Heard::new(publishers));
        Self { name, from_site, ledger, heard, prefix }
    }
}

struct Run<'a> {
    plan: &'a Plan,
    scratch: &'a Path,
    epoch_ms: i64,
    dice: Dice,
    program: Program,
    other: Option<Other>,
    ways: Vec<Way>,
    /// Set when enough was published, and when enough was heard.
    published: AtomicBool,
    over: AtomicBool,
}

/// The other broker, and the link to it.
struct Other {
    link: Link,
    address: SocketAddr,
    _running: Running,
}

impl Other {
    fn start(folder: &Path) -> Result<Self> {
        setup::install(setup::MOSQUITTO)?;
        std::fs::create_dir_all(folder)?;
        let running =
            start_other(Peer::Mosquitto, &Programs::in_path(), Purpose::default(), folder)?;
        let address = running.address();
        Ok(Self { link: Link::start(address)?, address, _running: running })
    }
}

type Threads<'scope> = Vec<ScopedJoinHandle<'scope, Result<()>>>;

impl<'a> Run<'a> {
    fn prepare(plan: &'a Plan, scratch: &'a Path) -> Result<Self> {
        let other = (!plan.alone).then(|| Other::start(&scratch.join("mosquitto"))).transpose()?;
        let way = |name, from_site, prefix| Way::new(name, from_site, prefix, plan.publishers);
        let ways = match plan.alone {
            true => vec![way("through the site", true, "")],
            false => vec![way("out", true, "out/"), way("in", false, "in/")],
        };
        Ok(Self {
            plan,
            scratch,
            epoch_ms: clock::unix_millis() - EPOCH_AGE_MS,
            dice: Dice::new(plan.seed),
            program: program(&plan.which, other.as_ref().map(|it| it.link.address()), scratch)?,
            other,
            ways,
            published: AtomicBool::new(false),
            over: AtomicBool::new(false),
        })
    }

    fn through(mut self) -> Result<Verdict> {
        let site = self.start()?;
        let longest = Duration::from_secs(self.plan.cut);
        let until_kill = longest / 4 + self.dice.up_to(longest / 2);
        let near = Place::at(site.mqtt());
        let far = self.other.as_ref().map(|other| Place::at(other.address));
        // Without another broker, both sides are the site.
        let far = far.as_ref().unwrap_or(&near);
        let site = std::thread::scope(|scope| {
            let mut publishers = Threads::new();
            let mut ears = Threads::new();
            for way in &self.ways {
                let (source, sink) = if way.from_site { (&near, far) } else { (far, &near) };
                self.spawn_publishers(scope, way, source, &mut publishers);
                ears.push(self.spawn_ear(scope, way, sink));
            }
            let outcome = self.drama(site, &near, until_kill).and_then(|site| {
                self.published.store(true, Ordering::SeqCst);
                join(publishers)?;
                self.wait_for_rest();
                Ok(site)
            });
            self.over.store(true, Ordering::SeqCst);
            if outcome.is_err() {
                self.published.store(true, Ordering::SeqCst);
                [&near, far].into_iter().for_each(Place::give_up);
            }
            join(ears).and(outcome)
        })?;
        self.verdict(site)
    }

    fn start(&self) -> Result<Site> {
        let (data, log) = (self.scratch.join("data"), self.scratch.join("log"));
        self.program.start(&data, &log)?.ready(READY_WAIT)
    }

    fn spawn_publishers<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        way: &'scope Way,
        place: &'scope Place,
        threads: &mut Threads<'scope>,
    ) {
        for device in 0..self.plan.publishers {
            let publisher = Publisher {
                device,
                epoch_ms: self.epoch_ms,
                gap: Duration::from_secs(1) / self.plan.rate,
                place,
                ledger: &way.ledger,
                enough: &self.published,
                flights: Flights::default(),
                next: 0,
                welcomed: false,
            };
            threads.push(scope.spawn(move || publisher.run()));
        }
    }

    fn spawn_ear<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        way: &'scope Way,
        place: &'scope Place,
    ) -> ScopedJoinHandle<'scope, Result<()>> {
        let ear = Ear {
            epoch_ms: self.epoch_ms,
            prefix: way.prefix,
            place,
            heard: &way.heard,
            enough: &self.over,
        };
        scope.spawn(move || ear.run())
    }

    /// What happens while all others go on.
    fn drama(&self, mut site: Site, near: &Place, until_kill: Duration) -> Result<Site> {
        for way in &self.ways {
            let came = way.heard.wait_for_first(FIRST_WAIT);
            ensure!(came, "the way {} carries nothing\n{}", way.name, site.last_words());
        }
        self.wait_for_more()?;
        crate::say(&format!("the link is cut for {} s", self.plan.cut));
        self.link(Link::cut);
        clock::pause(until_kill);
        if !self.plan.no_kill {
            near.leave();
            site.kill()?;
            site = self.start()?;
            near.come_back(site.mqtt());
        }
        clock::pause(Duration::from_secs(self.plan.cut).saturating_sub(until_kill));
        self.link(Link::heal);
        self.wait_for_more()?;
        Ok(site)
    }

    fn link(&self, act: impl Fn(&Link)) {
        self.other.iter().for_each(|other| act(&other.link));
    }

    fn wait_for_more(&self) -> Result<()> {
        for Way { name, ledger, .. } in &self.ways {
            let more = SETTLED_MESSAGES * u64::from(self.plan.publishers);
            let reached = ledger.wait_for(ledger.acknowledged_count() + more, READY_WAIT);
            ensure!(reached, "nothing was acknowledged for {READY_WAIT:?} on the way {name}");
        }
        Ok(())
    }

    fn wait_for_rest(&self) {
        for way in &self.ways {
            way.heard.wait_for_rest(&way.ledger, Duration::from_secs(self.plan.patience));
        }
    }

    fn verdict(self, site: Site) -> Result<Verdict> {
        let mut verdict = Verdict::default();
        verdict.opened(site.opened(), READY_WAIT);
        let kills = u64::from(!self.plan.no_kill);
        let carried = self.other.as_ref().map_or(1, |other| other.link.carried());
        let breaks = carried.saturating_sub(1) + BREAKS_OF_KILL * kills;
        verdict.deed = format!(
            "a link cut for {} s, {kills} kills meanwhile, seed {}; {breaks} connections ended",
            self.plan.cut, self.plan.seed
        );
        for way in &self.ways {
            let again = way.heard.judge(&way.ledger, breaks, &mut verdict);
            let acknowledged = way.ledger.acknowledged_count();
            verdict.acknowledged += acknowledged;
            let line = format!("; {}: {acknowledged} acknowledged, {again} came again", way.name);
            verdict.deed.push_str(&line);
            if way.from_site {
                self.judge_sql(&site, &way.ledger, &mut verdict)?;
            }
        }
        site.kill()?;
        Ok(verdict)
    }

    fn judge_sql(&self, site: &Site, ledger: &Ledger, verdict: &mut Verdict) -> Result<()> {
        let last = ledger.end();
        for first in (0..last).step_by(usize::try_from(QUESTION)?) {
            let end = last.min(first + QUESTION);
            let rows = sql::rows(site.http(), self.epoch_ms, first, end)
                .with_context(|| site.last_words())?;
            let scope = Question { devices: self.plan.publishers, first, end, writes: 0 };
            judge(ledger, scope, &rows, verdict);
        }
        Ok(())
    }
}

fn join(threads: Threads<'_>) -> Result<()> {
    threads.into_iter().try_for_each(|thread| {
        thread.join().map_err(|_panic| anyhow!("a thread of the torture panicked"))?
    })
}

/// The site's program, with a bridge over the link if there is one.
fn program(which: &Which, link: Option<SocketAddr>, scratch: &Path) -> Result<Program> {
    let Some(link) = link else { return Program::find(which) };
    let common = match which.as_shipped {
        true => String::new(),
        false => std::fs::read_to_string(crate::step::root()?.join("xtask/torture.toml"))?,
    };
    let filter = Reading::FILTER;
    let config = format!(
        r#"{common}
[[bridge]]
name = "other"
address = "{link}"

[[bridge.out]]
filter = "{filter}"
prefix-add = "out/"

[[bridge.in]]
filter = "{filter}"
prefix-add = "in/"
"#
    );
    let path = scratch.join("site.toml");
    std::fs::write(&path, config)?;
    let mut which = which.clone();
    which.serve_args.extend(["--config".to_owned(), path.display().to_string()]);
    Program::find(&which)
}

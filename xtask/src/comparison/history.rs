//! `cargo xtask bench history`: a year of ten thousand devices in one site. How fast it comes in, how much
//! disk and memory it takes, how long a start takes, and how long three questions take that people ask
//! of such a history, beside programs that read the same files.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use bench::tsbs::START_S;
use bench::{WriteReport, Year, peak_memory_of};
use clap::Args;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Builds;
use super::figures::per;
use super::stores::{
    Althing, Asker, LiveFile, Player, Queries, Question, Questions, Store, install, play,
    site_config, statements, table,
};
use crate::dice::Dice;
use crate::torture::count_readings;

#[derive(Clone, Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub year: Year,
    /// Those that are asked: Althing, and programs that read its files.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "althing,duckdb-files,chdb-files"
    )]
    pub stores: Vec<Store>,
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    /// Devices and days for each question; each is asked for in every round.
    #[arg(long, default_value_t = 5)]
    pub draws: u32,
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Of the client that loads.
    #[arg(long, default_value_t = 4)]
    pub connections: usize,
    /// Leaves the days as they are after loading, instead of closing them.
    #[arg(long)]
    pub open: bool,
    /// The site's data stay here, and are asked again by the next run.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// Where the data lie meanwhile, without `--data-dir`.
    #[arg(long)]
    pub work: Option<PathBuf>,
    #[command(flatten)]
    pub builds: Builds,
}

const FOLDER: &str = "history";

/// Of a chart that shows all days.
const PIXELS: i64 = 1_200;
const DAY_S: i64 = 86_400;

/// What was said is not kept twice.
const CONFIG: &str = "[journal]\nkeep-bytes = \"256MiB\"\n";

/// A site that was loaded says so here.
const RECORD: &str = "loaded.json";

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Loaded {
    devices: u32,
    days: u32,
    readings: u64,
}

/// # Errors
/// When the site lost a reading, fails in a question, or others answer differently.
pub(super) fn run(plan: &Plan) -> Result<()> {
    let foreign = plan.stores.iter().find(|it| !it.is_ours() && !it.reads_our_files());
    if let Some(store) = foreign {
        bail!("{} has data of its own; this is about Althing's files", store.name());
    }
    let python = install(&plan.stores)?;
    let (folder, _temporary) = super::folder(plan.data_dir.as_deref(), plan.work.as_deref())?;
    let which = plan.builds.althing()?;
    let site = Althing::new(&which, &folder.join("althing"))?.configured(CONFIG);
    fill(plan, &site)?;
    let questions = questions(plan)?;
    let mut rows = Vec::new();
    let started = site.start()?;
    let opened = started.opened().as_secs_f64();
    crate::say(&format!("start with all of it in files: {opened:.2} s"));
    let mut players = Vec::new();
    for store in plan.stores.iter().copied() {
        let config = match store.reads_our_files() {
            true => json!({ "path": folder.join("chdb") }),
            false => site_config(&started)?,
        };
        players.push(player(store, &python, config, &site)?);
    }
    forget_peak(started.pid())?;
    for (name, questions) in &questions {
        let row = play(name, plan.rounds, &mut players, questions);
        crate::say(&table::of_query(&row));
        ensure!(row.rows > 0, "{name} found nothing, so its time means nothing");
        rows.push(row);
    }
    crate::say(&table::of_all(&plan.stores, &rows));
    let peak = peak_memory_of(started.pid())? >> 20;
    crate::say(&format!("the site's memory while it was asked: {peak} MB at most"));
    table::verdict(&rows)
}

fn player(
    store: Store,
    python: &Path,
    mut config: serde_json::Value,
    site: &Althing,
) -> Result<Player> {
    if store == Store::DuckdbFiles {
        config = json!({});
    }
    // Its view of another run has other files.
    if let Some(path) = config.get("path").and_then(|path| path.as_str()).map(Path::new)
        && path.exists()
    {
        std::fs::remove_dir_all(path)?;
    }
    let mut asker = Asker::start(python, store.kind(), &config)?;
    if store.reads_our_files() {
        for statement in statements(FOLDER, store, site, str::to_owned)? {
            asker.ask(&statement)?;
        }
    }
    Ok(Player { store, asker, _server: None })
}

/// Loads a site, unless it was loaded before.
fn fill(plan: &Plan, site: &Althing) -> Result<()> {
    let Year { devices, days, readings } = plan.year;
    let loaded = Loaded { devices, days, readings };
    let path = site.folder().join(RECORD);
    if path.exists() {
        let before: Loaded = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
        ensure!(before == loaded, "{} was made for {before:?}", site.folder().display());
        return tell_files("files", &site.files()?);
    }
    if site.folder().exists() {
        std::fs::remove_dir_all(site.folder())?;
    }
    load(plan, site)?;
    let started = site.start()?;
    let opened = started.opened().as_secs_f64();
    crate::say(&format!("start after kill -9, with what is not in files yet: {opened:.2} s"));
    drop(started);
    site.flush()?;
    tell_files("files after loading", &site.files()?)?;
    if !plan.open {
        site.close()?;
        tell_files("files of closed days", &site.files()?)?;
    }
    Ok(std::fs::write(path, serde_json::to_string(&loaded)?)?)
}

fn load(plan: &Plan, site: &Althing) -> Result<()> {
    let generator = plan.builds.generator()?;
    let started = site.start()?;
    let url = format!("http://{}/api/v2/write?bucket=year&precision=ms", started.http());
    let Year { devices, days, readings } = plan.year;
    let output = Command::new(generator)
        .args(["write", "--url", &url, "--server-pid", &started.pid().to_string()])
        .args(["--connections", &plan.connections.to_string()])
        .args(["--devices", &devices.to_string(), "--days", &days.to_string()])
        .args(["--readings", &readings.to_string()])
        .output()
        .context("cannot start the generator")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: WriteReport = serde_json::from_slice(&output.stdout)?;
    let found = count_readings(&started)?;
    ensure!(
        found == report.lines,
        "SQL has {found} readings, and {} were acknowledged",
        report.lines
    );
    #[expect(clippy::cast_precision_loss, reason = "readings are far below 2^53")]
    let rate = report.lines as f64 / report.seconds;
    crate::say(&format!(
        "{found} readings in {:.1} s, {rate:.0} a second, durable and in SQL; {:.1} CPU s of the site, {:.1} of the \
         client; batches p50 {:.1} ms, p99 {:.1} ms; memory at most {} MB",
        report.seconds,
        report.server_cpu_seconds,
        report.client_cpu_seconds,
        report.batch.p50 / 1e3,
        report.batch.p99 / 1e3,
        peak_memory_of(started.pid())? >> 20
    ));
    Ok(())
}

fn tell_files(what: &str, files: &[LiveFile]) -> Result<()> {
    let (bytes, rows) =
        files.iter().fold((0, 0), |(bytes, rows), it| (bytes + it.bytes, rows + it.rows));
    ensure!(rows > 0, "there are no readings in files");
    let (count, each, megabytes) = (files.len(), per(bytes, rows), bytes >> 20);
    crate::say(&format!("{what}: {count}, {megabytes} MB, {each:.2} bytes a reading"));
    Ok(())
}

/// What each store is asked, by the names of the questions.
fn questions(plan: &Plan) -> Result<Vec<(String, Questions)>> {
    let names: Vec<String> =
        Queries::read(FOLDER, Store::Althing)?.names().map(str::to_owned).collect();
    let mut all = Vec::new();
    for name in names {
        let mut dice = Dice::new(plan.seed);
        let draws: Vec<Draw> =
            (0..plan.draws.max(1)).map(|_| Draw::new(plan.year, &mut dice)).collect();
        let mut questions = Questions::new();
        for store in plan.stores.iter().copied() {
            let queries = Queries::read(FOLDER, store)?;
            let ask = |draw: &Draw| queries.question(&name, |text| draw.fill(text));
            let asked: Option<Vec<Question>> = draws.iter().map(ask).collect();
            questions.insert(store, asked.with_context(|| format!("no words for {name}"))?);
        }
        all.push((name, questions));
    }
    Ok(all)
}

/// A device and a day of it.
struct Draw {
    device: u64,
    from_s: i64,
    pixel_s: i64,
}

impl Draw {
    fn new(year: Year, dice: &mut Dice) -> Self {
        let day = i64::try_from(dice.below(u64::from(year.days))).unwrap_or(0);
        Self {
            device: dice.below(u64::from(year.devices)),
            from_s: START_S + day * DAY_S,
            pixel_s: (i64::from(year.days) * DAY_S / PIXELS).max(1),
        }
    }

    fn fill(&self, text: &str) -> String {
        let to_s = self.from_s + DAY_S;
        let time = |seconds| Timestamp::from_second(seconds).unwrap_or_default().to_string();
        text.replace("{device}", &format!("d{}", self.device))
            .replace("{from}", &time(self.from_s))
            .replace("{to}", &time(to_s))
            .replace("{from_s}", &self.from_s.to_string())
            .replace("{to_s}", &to_s.to_string())
            .replace("{pixel}", &self.pixel_s.to_string())
    }
}

/// The most that a process had in memory is counted from here on.
fn forget_peak(pid: u32) -> Result<()> {
    const PEAK: &str = "5";
    Ok(std::fs::write(format!("/proc/{pid}/clear_refs"), PEAK)?)
}

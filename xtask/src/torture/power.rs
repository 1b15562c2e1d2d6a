//! Power cuts below the file system. One recording of a site under load on a logged disk gives
//! many crash images: what the disk may hold after a cut at a random write. Each is mounted, the
//! site opened on it, and SQL asked for everything that had been acknowledged by then.
//!
//! Why an image may be judged so strictly: docs/torture.md.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::copies::{Copies, judge_folder};
use super::crash_image::{Replay, copy_sparse};
use super::device::{Device, Memory, Script};
use super::disk::{self, LoggedDisk, Mount, WriteCount};
use super::judge::{Scope, judge};
use super::ledger::Ledger;
use super::listener::Listener;
use super::passing::Passing;
use super::readings::Standing;
use super::site::{Program, Site};
use super::write_log::WriteLog;
use super::{Verdict, Which, sql, standing};
use crate::clock;
use crate::dice::Dice;

/// The promise: open again in less than this.
const OPEN_MAX: Duration = Duration::from_secs(5);

/// How long we look before we call a site stuck.
const READY_WAIT: Duration = Duration::from_secs(60);
const SILENCE_MAX: Duration = Duration::from_secs(30);

const EPOCH_AGE_MS: i64 = 2 * 24 * 3600 * 1000;

#[derive(Clone, Debug, Args)]
pub struct Plan {
    #[arg(long, default_value_t = 20)]
    pub images: u64,
    /// Images from one recording.
    #[arg(long, default_value_t = 25)]
    pub images_per_recording: u64,
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[arg(long, default_value_t = 8)]
    pub devices: u32,
    /// Messages acknowledged in a recording.
    #[arg(long, default_value_t = 5000)]
    pub load: u64,
    /// Seconds without any message after which a subscriber waits no longer for what it is owed.
    #[arg(long, default_value_t = 30)]
    pub patience: u64,
    #[command(flatten)]
    pub which: Which,
}

/// # Errors
/// When this machine has not what it takes, or a site gets stuck.
pub fn run(plan: &Plan) -> Result<Verdict> {
    let program = Program::find_to_torture(&plan.which)?;
    let (mut verdict, mut dice, mut left) = (Verdict::default(), Dice::new(plan.seed), plan.images);
    let (mut recordings, mut writes) = (0, 0);
    while left > 0 {
        let images = left.min(plan.images_per_recording.max(1));
        let scratch = tempfile::Builder::new().prefix("althing-power-").tempdir()?;
        let recording = Recording::make(plan, &program, scratch.path())?;
        verdict.acknowledged += recording.ledger.acknowledged_count();
        writes += recording.log.entries().len();
        let outcome = recording.cut(images, &program, &mut dice, &mut verdict);
        if outcome.is_err() || !verdict.is_clean() {
            let kept = scratch.keep();
            crate::say(&format!("images, log and write log are kept in {}", kept.display()));
        }
        outcome?;
        recordings += 1;
        left -= images;
        crate::say(&format!("{} images", plan.images - left));
    }
    verdict.deed = format!(
        "{} power cuts in {recordings} recordings of {writes} writes, seed {}",
        plan.images, plan.seed
    );
    Ok(verdict)
}

struct Recording<'a> {
    plan: &'a Plan,
    folder: &'a Path,
    ledger: Ledger,
    log: WriteLog,
    /// Of each device.
    memories: Vec<Memory>,
    epoch_ms: i64,
    passing: Passing,
    /// Entries when the first backup had ended.
    copied: u64,
    /// Entries when the listener, which then went, had been told that it is subscribed.
    subscribed: u64,
    /// Entries when the file system was mounted and when the site was killed: cuts are between.
    from: u64,
    to: u64,
}

impl<'a> Recording<'a> {
    fn make(plan: &'a Plan, program: &Program, folder: &'a Path) -> Result<Self> {
        let (blank, image) = (folder.join("blank"), folder.join("recorded"));
        disk::format(&blank)?;
        copy_sparse(&blank, &image)?;
        let disk = LoggedDisk::start(&image, folder)?;
        let ledger = Ledger::new(plan.devices);
        let epoch_ms = clock::unix_millis() - EPOCH_AGE_MS;
        let writes = disk.write_count()?;
        let mount = Mount::new(disk.export(), &folder.join("mount"))?;
        let from = writes.read()?;
        let data = mount.folder().join("data");
        let site = program.start(&data, &folder.join("log"))?.ready(READY_WAIT)?;
        Listener::new(epoch_ms, Dice::new(0)).subscribe(site.mqtt())?;
        let subscribed = writes.read()?;
        let mut memories: Vec<Memory> = (0..plan.devices).map(|_| Memory::default()).collect();
        let mut passing = Passing::default();
        let mut copied = u64::MAX;
        if !plan.which.plain {
            for _ in 0..4 {
                passing.write(site.http(), &|| writes.read())?;
            }
        }
        let http = site.http();
        let mut copies = Copies::new(program, &data, mount.folder().join("backup"));
        let to = std::thread::scope(|scope| {
            let beside = scope.spawn(|| match plan.which.plain {
                true => Ok(()),
                false => beside((&mut passing, http), (&mut copies, &mut copied), &writes),
            });
            let to = load_and_cut(plan.load, epoch_ms, &mut memories, (&ledger, &writes), site);
            beside.join().map_err(|_panic| anyhow::anyhow!("the eraser panicked"))??;
            to
        })?;
        drop(mount);
        disk.stop()?;
        disk::check(&image)?;
        let log = WriteLog::open(&folder.join("write-log"))?;
        Ok(Self {
            plan,
            folder,
            ledger,
            log,
            memories,
            passing,
            copied,
            epoch_ms,
            subscribed,
            from,
            to,
        })
    }

    fn cut(
        &self,
        images: u64,
        program: &Program,
        dice: &mut Dice,
        verdict: &mut Verdict,
    ) -> Result<()> {
        let mut places: Vec<u64> =
            (0..images).map(|_| self.from + dice.below(self.to - self.from + 1)).collect();
        places.sort_unstable();
        let mut replay = Replay::new(&self.log, &self.folder.join("blank"))?;
        for place in places {
            let image = self.folder.join("image");
            let cut = replay.cut(usize::try_from(place)?, dice, &image)?;
            self.open(&image, place, program, verdict).with_context(|| format!("{cut:?}"))?;
        }
        Ok(())
    }

    fn open(
        &self,
        image: &Path,
        place: u64,
        program: &Program,
        verdict: &mut Verdict,
    ) -> Result<()> {
        let mount = Mount::new(image, &self.folder.join("mount"))?;
        let data = mount.folder().join("data");
        let site = program.start(&data, &self.folder.join("log"))?.ready(READY_WAIT)?;
        verdict.opened(site.opened(), OPEN_MAX);
        let end = self.ledger.end();
        let rows = sql::rows(site.http(), self.epoch_ms, 0, end)?;
        let scope = Scope { devices: self.plan.devices, first: 0, end, writes: place };
        judge(&self.ledger, scope, &rows, verdict);
        self.judge_subscribers(&site, place, verdict)?;
        if !self.plan.which.plain {
            self.passing.judge_at(site.http(), place, verdict)?;
            self.judge_backup(&mount.folder().join("backup"), (place, program), verdict)?;
        }
        site.kill()
    }

    fn judge_backup(
        &self,
        folder: &Path,
        (place, program): (u64, &Program),
        verdict: &mut Verdict,
    ) -> Result<()> {
        if !folder.exists() && place < self.copied {
            return Ok(());
        }
        judge_folder(program.path(), (folder, self.copied <= place), verdict)
    }

    /// A fresh one gets what is retained; one that has been away gets all it is owed.
    fn judge_subscribers(&self, site: &Site, place: u64, verdict: &mut Verdict) -> Result<()> {
        let patience = Duration::from_secs(self.plan.patience);
        let due: Vec<Standing> =
            self.memories.iter().map(|memory| memory.standing_by(place)).collect();
        let greeting = standing::greeting(site.mqtt(), &due, patience)?;
        standing::judge(&due, &greeting, verdict);
        if place < self.subscribed {
            return Ok(());
        }
        let mut listener = Listener::subscribed(self.epoch_ms);
        let owed = self.ledger.acknowledged_by(place);
        verdict.owed += owed.len() as u64;
        for reading in listener.catch_up(site.mqtt(), owed, patience)? {
            verdict.undelivered(&format!("{reading:?}, {:?}", self.ledger.fate(reading)));
        }
        verdict.absorb(listener.findings());
        Ok(())
    }
}

/// While devices publish, others are erased and backups are made, until the site is killed.
fn beside(
    (passing, site): (&mut Passing, SocketAddr),
    (copies, copied): (&mut Copies, &mut u64),
    writes: &WriteCount,
) -> Result<()> {
    let mut dice = Dice::new(1);
    for _ in 0..3 {
        passing.erase_one(site, &mut dice, &|| writes.read())?;
        let copying = copies.begin()?;
        copies.finish(copying)?;
        if copies.whole == 1 {
            *copied = writes.read()?.min(*copied);
        }
    }
    Ok(())
}

/// All devices publish until so many messages are acknowledged; then the site is killed. Says how
/// many entries there were before.
fn load_and_cut(
    load: u64,
    epoch_ms: i64,
    memories: &mut [Memory],
    (ledger, writes): (&Ledger, &WriteCount),
    site: Site,
) -> Result<u64> {
    let address = site.mqtt();
    std::thread::scope(|scope| {
        for (device, memory) in (0..).zip(memories) {
            let script = Script { device, epoch_ms, again: [].into(), next: 0 };
            scope.spawn(move || {
                let Err(end) = Device::new(script, memory, ledger, Some(writes)).run(address);
                ledger.connection_ended(&end);
            });
        }
        let reached = ledger.wait_for(load, SILENCE_MAX);
        let (to, why) = (writes.read(), ledger.first_end());
        site.kill()?;
        if !reached {
            bail!("{why:?}, or nothing was acknowledged for {SILENCE_MAX:?}");
        }
        to
    })
}

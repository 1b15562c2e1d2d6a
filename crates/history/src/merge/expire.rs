//! Readings of devices that are kept shorter than others leave their days: a day that holds some is
//! written again as a whole, so that no row which a late one had replaced comes to light.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use foldhash::fast::FixedState;

use crate::care::work::Done;
use crate::fault::MergeFault;
use crate::file::ColdFile;
use crate::folder::Folder;
use crate::merge::Job;
use crate::merge::drops::Drops;
use crate::merge::plan::{self, CLOSED, Plan};
use crate::options::Keeping;
use crate::series::SeriesId;
use crate::table::Table;

/// What files were looked at for, so that they are not looked at again: by path the series that were
/// too old for its day, as a hash. At most one for each file.
pub(crate) type Expiry = BTreeMap<Box<str>, u64>;

/// The work of one round.
#[derive(Debug)]
pub(crate) struct Expire {
    /// Without a plan so far: it gets that of the first day that holds what is too old.
    pub(crate) job: Job,
    pub(crate) table: Arc<Table>,
    pub(crate) keep: Option<Duration>,
    pub(crate) keeping: Arc<dyn Keeping>,
    pub(crate) expiry: Expiry,
    /// Folders that are left alone for now.
    pub(crate) skipped: BTreeSet<Folder>,
}

/// Series that are kept equally long.
struct Class {
    /// Their days before this one are over.
    before: i32,
    series: Vec<SeriesId>,
    hash: u64,
}

impl Expire {
    /// Looks at days until one holds something that is too old, and writes that one again.
    pub(crate) fn run(mut self) -> Done {
        let classes = self.classes();
        let table = Arc::clone(&self.table);
        let mut done = Done { clean: self.job.clean, ..Done::default() };
        for (folder, files) in table.folders() {
            let is_over = |class: &&Class| folder.end() <= class.before;
            let over: Vec<&Class> = classes.iter().filter(is_over).collect();
            if over.is_empty() || self.skipped.contains(&folder) || !plan::fits(files) {
                continue;
            }
            if self.job.stop.load(Ordering::Relaxed) {
                break;
            }
            done.folder = Some(folder);
            match self.look(files, &over) {
                Ok(false) => {}
                Ok(true) => return self.write(files, &over),
                Err(source) => {
                    done.outcome = Err(MergeFault::Read { day: folder.name(), source });
                    break;
                }
            }
        }
        done.expiry = Some(self.expiry);
        done
    }

    fn classes(&self) -> Vec<Class> {
        let mut by_span: BTreeMap<Duration, Vec<SeriesId>> = BTreeMap::new();
        let series = self.job.shared.series();
        for (device, ids) in series.devices() {
            if let Some(span) = self.keeping.of(device).span(self.keep) {
                by_span.entry(span).or_default().extend(ids);
            }
        }
        drop(series);
        let class = |(span, mut series): (Duration, Vec<SeriesId>)| {
            series.sort_unstable();
            let before = Folder::of(self.job.now.saturating_sub(span).millis()).first;
            Class { before, hash: FixedState::default().hash_one(&series), series }
        };
        by_span.into_iter().map(class).collect()
    }

    /// Whether one of the files of a day holds rows of what is over. Those that do not are noted.
    fn look(&mut self, files: &[Arc<ColdFile>], over: &[&Class]) -> Result<bool, crate::ReadFault> {
        let mut hasher = FixedState::default().build_hasher();
        over.iter().for_each(|class| class.hash.hash(&mut hasher));
        let hash = hasher.finish();
        let drops = drops_of(over, Drops::default());
        for file in files {
            if self.expiry.get(&file.path) == Some(&hash) {
                continue;
            }
            if drops.touch(&self.job.shared.shelf, file)? {
                return Ok(true);
            }
            self.expiry.insert(file.path.clone(), hash);
        }
        Ok(false)
    }

    fn write(self, files: &[Arc<ColdFile>], over: &[&Class]) -> Done {
        let Self { mut job, expiry, .. } = self;
        let folder = files.first().map(|file| file.key.folder).unwrap_or_default();
        job.plan = Plan { folder, files: files.to_vec(), from_start: true, level: CLOSED };
        job.drops = drops_of(over, std::mem::take(&mut job.drops));
        Done { expiry: Some(expiry), ..job.done() }
    }
}

fn drops_of(over: &[&Class], mut drops: Drops) -> Drops {
    over.iter().flat_map(|class| &class.series).for_each(|id| drops.add(*id));
    drops
}

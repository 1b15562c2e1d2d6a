//! Backups of a site that is killed meanwhile, or that are killed themselves. A backup verifies, or it
//! is refused as one that was never finished; the one before stays whole.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

use super::Verdict;
use super::site::Program;
use crate::clock;
use crate::dice::Dice;

/// Longer than a backup of a tortured site takes, so that some end and some do not.
const LIFE_MAX: std::time::Duration = std::time::Duration::from_millis(400);

#[derive(Debug)]
pub(super) struct Copies {
    program: PathBuf,
    data: PathBuf,
    folder: PathBuf,
    /// Backups that ended, and that were killed or failed with their site.
    pub(super) whole: u64,
    pub(super) broken: u64,
}

/// A backup under way; killed when it is dropped.
#[derive(Debug)]
pub(super) struct Copying(Child);

impl Drop for Copying {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Copies {
    #[must_use]
    pub(super) fn new(program: &Program, data: &Path, folder: PathBuf) -> Self {
        let (program, data) = (program.path().to_owned(), data.to_owned());
        Self { program, data, folder, whole: 0, broken: 0 }
    }

    /// # Errors
    /// When the program cannot be started.
    pub(super) fn begin(&self) -> Result<Copying> {
        let mut command = Command::new(&self.program);
        command.arg("backup").arg(&self.folder).arg("--data").arg(&self.data);
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Copying(quiet.spawn().context("the backup cannot be started")?))
    }

    /// Waits for the backup, or kills it at some moment.
    ///
    /// # Errors
    /// When its end cannot be known.
    pub(super) fn end(&mut self, mut copying: Copying, dice: &mut Dice) -> Result<()> {
        if dice.one_in(2) {
            clock::pause(dice.up_to(LIFE_MAX));
            copying.0.kill()?;
        }
        self.finish(copying)
    }

    /// # Errors
    /// When its end cannot be known.
    pub(super) fn finish(&mut self, mut copying: Copying) -> Result<()> {
        if copying.0.wait()?.success() {
            self.whole += 1;
        } else {
            self.broken += 1;
        }
        Ok(())
    }

    /// The folder must verify if a backup ever ended in it, and be refused otherwise.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub(super) fn judge(&self, verdict: &mut Verdict) -> Result<()> {
        if !self.folder.exists() {
            return Ok(());
        }
        judge_folder(&self.program, (&self.folder, self.whole > 0), verdict)
    }

    /// Makes a site of the last backup.
    ///
    /// # Errors
    /// When that fails.
    pub(super) fn restore(&self, to: &Path) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.arg("restore").arg(&self.folder).arg("--data").arg(to);
        let restored = command.stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&restored.stderr).into_owned();
        anyhow::ensure!(restored.status.success(), "the backup cannot be restored: {said}");
        Ok(())
    }
}

/// Verifies what is in a folder, of which it is known whether a backup ended there.
pub(super) fn judge_folder(
    program: &Path,
    (folder, is_whole): (&Path, bool),
    verdict: &mut Verdict,
) -> Result<()> {
    let mut command = Command::new(program);
    let checked = command.arg("verify").arg(folder).stdin(Stdio::null()).output()?;
    let said = [&checked.stdout[..], &checked.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    // Without a manifest it is taken for a site, and is none.
    let is_refused = said.contains("is not a site: it has no journal");
    match (checked.status.success(), is_whole) {
        (true, _) => verdict.copies += 1,
        (false, false) if is_refused => {}
        (false, _) => verdict.wrong(&format!("a backup does not verify: {said}")),
    }
    Ok(())
}

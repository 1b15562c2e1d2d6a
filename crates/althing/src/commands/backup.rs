//! `althing backup`, `althing restore`, `althing verify`: copies of a site, sites from copies, and
//! whether either reads back.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use backup::{BackupFault, Checked};
use history::Elsewhere;
use model::Timestamp;

use super::Context;
use crate::cli::{BackupArgs, RestoreArgs, VerifyArgs};
use crate::complaint::{Complaint, Exit};

/// Bytes between two signs of life on a terminal.
const STEP: u64 = 64 << 20;

/// # Errors
/// When there is no site, or something cannot be read or written.
pub(crate) fn take(context: &mut Context<'_>, args: &BackupArgs) -> Result<(), Complaint> {
    let data = args.data.as_deref().unwrap_or(&context.config.data.dir);
    let mut progress = Progress::default();
    let mut tell = |bytes| progress.add(bytes);
    let now = Timestamp::from_micros(jiff::Timestamp::now().as_microsecond());
    let taken = backup::take(data, &args.folder, (now, &mut tell)).map_err(|f| refused(&f))?;
    progress.end();
    if context.json {
        let line = serde_json::json!({
            "position": taken.position.get(), "files": taken.files, "bytes": taken.bytes,
            "copied_files": taken.copied_files, "copied_bytes": taken.copied_bytes,
            "remote_files": taken.remote.files, "remote_bytes": taken.remote.bytes,
        });
        writeln!(context.out, "{line}")?;
        return Ok(());
    }
    let place = args.folder.display();
    writeln!(context.out, "{place} has everything up to position {}", taken.position.get())?;
    writeln!(
        context.out,
        "{} files, {} bytes; copied now: {} files, {} bytes",
        taken.files, taken.bytes, taken.copied_files, taken.copied_bytes
    )?;
    if taken.remote.files > 0 {
        let Elsewhere { files, bytes } = taken.remote;
        writeln!(
            context.out,
            "{files} files, {bytes} bytes lie in the object store and are not in it"
        )?;
    }
    Ok(())
}

/// # Errors
/// When the backup does not hold, or there is something where the site is to be.
pub(crate) fn restore(context: &mut Context<'_>, args: &RestoreArgs) -> Result<(), Complaint> {
    let data = args.data.as_deref().unwrap_or(&context.config.data.dir);
    let mut progress = Progress::default();
    let mut tell = |bytes| progress.add(bytes);
    let position = backup::restore(&args.folder, data, &mut tell).map_err(|f| refused(&f))?;
    progress.end();
    if context.json {
        writeln!(context.out, "{}", serde_json::json!({ "position": position.get() }))?;
    } else {
        let (place, position) = (data.display(), position.get());
        writeln!(context.out, "{place} is the site as of position {position}")?;
    }
    Ok(())
}

/// # Errors
/// When there is nothing to look at, or it is damaged.
pub(crate) fn verify(context: &mut Context<'_>, args: &VerifyArgs) -> Result<(), Complaint> {
    let folder = args.folder.as_deref().unwrap_or(&context.config.data.dir);
    let checked = look(folder).map_err(|fault| refused(&fault))?;
    let (position, faults) = (checked.position.get(), &checked.faults);
    if context.json {
        let line = serde_json::json!({
            "position": position, "files": checked.files, "bytes": checked.bytes,
            "readings": checked.rows, "faults": faults,
            "remote_files": checked.remote.files, "remote_bytes": checked.remote.bytes,
        });
        writeln!(context.out, "{line}")?;
    } else {
        for fault in faults {
            writeln!(context.out, "{fault}")?;
        }
        let Checked { files, bytes, rows, .. } = checked;
        write!(
            context.out,
            "{files} files with {bytes} bytes read back, up to position {position}"
        )?;
        // Of a backup only checksums are compared.
        let tables = if rows > 0 { format!(", {rows} readings in tables") } else { String::new() };
        writeln!(context.out, "{tables}")?;
        if checked.remote.files > 0 {
            let Elsewhere { files, bytes } = checked.remote;
            writeln!(
                context.out,
                "{files} files with {bytes} bytes in the object store were not looked at"
            )?;
        }
    }
    context.out.flush()?;
    if faults.is_empty() {
        return Ok(());
    }
    let next = "restore the newest backup that verifies";
    let cause = format!("{} things are damaged", faults.len());
    Err(Complaint::new(Exit::Failed, cause).at(folder.display().to_string()).next(next))
}

fn look(folder: &Path) -> Result<Checked, BackupFault> {
    let mut progress = Progress::default();
    let checked = if backup::is_backup(folder) {
        backup::verify_backup(folder, &mut |bytes| progress.add(bytes))
    } else {
        backup::verify_site(folder)
    };
    progress.end();
    checked
}

fn refused(fault: &BackupFault) -> Complaint {
    let (exit, next) = match fault {
        BackupFault::NoSite { .. } => (Exit::NotFound, "--data says where the site is"),
        BackupFault::NoBackup { .. } => (Exit::NotFound, "althing backup FOLDER makes one"),
        BackupFault::NotEmpty { .. } => (Exit::Usage, "name another folder, or empty this one"),
        BackupFault::Newer { .. } => (Exit::Failed, "use that version, or a newer one"),
        BackupFault::Damaged { .. } => (Exit::Failed, "use another backup"),
        BackupFault::Other { .. } => (Exit::Usage, "name another folder for this site"),
        BackupFault::InUse { .. } => (Exit::Failed, "try again when it has ended"),
        BackupFault::TooFast { .. } => {
            (Exit::Failed, "try again, or raise journal.keep-bytes and history.linger")
        }
        BackupFault::File { .. } | BackupFault::History(_) | BackupFault::Registry(_) => {
            (Exit::Failed, "")
        }
    };
    Complaint::from_error(exit, fault).next(next)
}

/// What a person at a terminal sees of it.
#[derive(Debug, Default)]
struct Progress {
    bytes: u64,
    told: u64,
}

impl Progress {
    fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
        if self.bytes >= self.told + STEP && io::stderr().is_terminal() {
            self.told = self.bytes;
            // It is only a sign of life.
            drop(write!(io::stderr(), "\r{} MiB", self.bytes >> 20));
        }
    }

    fn end(&self) {
        if self.told > 0 {
            drop(write!(io::stderr(), "\r\x1b[K"));
        }
    }
}

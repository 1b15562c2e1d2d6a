//! A disk whose every write is logged: an image file behind QEMU's `blklogwrites`, exported as a
//! file through FUSE, made a block device by the loop driver, with ext4 on it. Needs root,
//! /dev/fuse and the package qemu-utils; no kernel module, no device mapper.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::write_log;
use crate::clock::{Stopwatch, pause};

/// Large enough for a journal, its spare segments and some history; sparse, so it costs what is
/// written.
const DISK_BYTES: u64 = 4 << 30;

const EXPORT_WAIT: Duration = Duration::from_secs(10);

/// Makes an empty file system in a file. Nothing of it is set up later, in the background.
///
/// # Errors
/// When `mkfs.ext4` fails.
pub(super) fn format(path: &Path) -> Result<()> {
    File::create(path)?.set_len(DISK_BYTES)?;
    let options = "lazy_itable_init=0,lazy_journal_init=0,nodiscard";
    let mut mkfs = Command::new("mkfs.ext4");
    mkfs.args(["-q", "-F", "-N", "8192", "-E", options]).arg(path);
    run(&mut mkfs)
}

/// Reads how many writes a logged disk has seen.
#[derive(Debug)]
pub(super) struct WriteCount(File);

impl WriteCount {
    /// # Errors
    /// When the log cannot be read.
    pub(super) fn read(&self) -> Result<u64> {
        Ok(write_log::count(&self.0)?)
    }
}

/// A mounted file system on a loop device. Unmounted and detached when dropped.
#[derive(Debug)]
pub(super) struct Mount {
    device: String,
    folder: PathBuf,
}

impl Mount {
    /// # Errors
    /// When the file is no file system, or this is no machine where root may mount.
    pub(super) fn new(image: &Path, folder: &Path) -> Result<Self> {
        let mut losetup = Command::new("losetup");
        // Not with direct IO: past a FUSE export it damages the file system, as e2fsck then tells.
        // Without, every write still goes straight to the daemon: FUSE keeps none back here.
        losetup.args(["--show", "--find"]).arg(image);
        let output = losetup.output().context("cannot run losetup")?;
        ensure!(
            output.status.success(),
            "losetup refused: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let device = String::from_utf8(output.stdout)?.trim().to_owned();
        let mount = Self { device, folder: folder.to_owned() };
        std::fs::create_dir_all(folder)?;
        run(Command::new("mount").arg(&mount.device).arg(folder))?;
        Ok(mount)
    }

    #[must_use]
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A mount that failed has nothing to unmount; the loop device goes either way.
        let unmounted = run(Command::new("umount").arg(&self.folder).stderr(Stdio::null()));
        drop(unmounted);
        drop(run(Command::new("losetup").arg("--detach").arg(&self.device)));
    }
}

/// Whether the file system in a file is whole, once nothing uses it any more. What a torture proves
/// rests on a disk that keeps what it is given.
///
/// # Errors
/// When it is not.
pub(super) fn check(image: &Path) -> Result<()> {
    let mut fsck = Command::new("e2fsck");
    let output = fsck.args(["-f", "-n"]).arg(image).output().context("cannot run e2fsck")?;
    let told = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "the recorded disk itself is damaged:\n{told}");
    Ok(())
}

/// The process that logs.
#[derive(Debug)]
pub(super) struct LoggedDisk {
    daemon: Child,
    export: PathBuf,
    log: PathBuf,
}

impl LoggedDisk {
    /// Writes to `image` through a log; `folder` holds the log and the exported file.
    ///
    /// # Errors
    /// When QEMU's daemon cannot be started or cannot use FUSE.
    pub(super) fn start(image: &Path, folder: &Path) -> Result<Self> {
        let (export, log) = (folder.join("export"), folder.join("write-log"));
        File::create(&export)?;
        File::create(&log)?;
        let plain = "cache.direct=off,cache.no-flush=on";
        let daemon = Command::new("qemu-storage-daemon")
            .args(["--blockdev", &format!("driver=file,node-name=disk,filename={},{plain}", image.display())])
            .args(["--blockdev", &format!("driver=file,node-name=log,filename={},{plain}", log.display())])
            .args(["--blockdev", "driver=blklogwrites,node-name=tap,file=disk,log=log,log-sector-size=512,log-super-update-interval=1"])
            .args(["--export", &format!("type=fuse,id=tap,node-name=tap,mountpoint={},writable=on", export.display())])
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start qemu-storage-daemon (package qemu-utils)")?;
        let mut disk = Self { daemon, export, log };
        disk.wait_for_export()?;
        Ok(disk)
    }

    fn wait_for_export(&mut self) -> Result<()> {
        let since = Stopwatch::start();
        while std::fs::metadata(&self.export).map_or(0, |export| export.len()) == 0 {
            if let Some(status) = self.daemon.try_wait()? {
                bail!("qemu-storage-daemon ended with {status}");
            }
            ensure!(since.elapsed() < EXPORT_WAIT, "qemu-storage-daemon exports nothing");
            pause(Duration::from_millis(10));
        }
        Ok(())
    }

    #[must_use]
    pub(super) fn export(&self) -> &Path {
        &self.export
    }

    /// # Errors
    /// When the log cannot be opened.
    pub(super) fn write_count(&self) -> Result<WriteCount> {
        Ok(WriteCount(File::open(&self.log)?))
    }

    /// Ends the log.
    ///
    /// # Errors
    /// When the daemon does not end.
    pub(super) fn stop(mut self) -> Result<()> {
        self.terminate()
    }

    /// A plain kill would leave a dead FUSE mount behind.
    fn terminate(&mut self) -> Result<()> {
        if self.daemon.try_wait()?.is_none() {
            run(Command::new("kill").arg(self.daemon.id().to_string()))?;
            self.daemon.wait()?;
        }
        Ok(())
    }
}

impl Drop for LoggedDisk {
    fn drop(&mut self) {
        drop(self.terminate());
    }
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

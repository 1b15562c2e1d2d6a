//! CPU time of a process with all its threads, as the kernel accounts it.

use anyhow::{Context, Result};

/// Seconds in user and kernel mode since the process started. The kernel counts in ticks of
/// usually 10 ms, so a measurement of some seconds is exact to less than a percent.
pub(crate) fn seconds_of(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let ticks = ticks_of(&stat).with_context(|| format!("{path} is not as expected"))?;
    #[expect(clippy::cast_precision_loss, reason = "a count of ticks is far below 2^53")]
    let seconds = ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
    Ok(seconds)
}

/// Fields 14 and 15. The name in field 2 may hold blanks and brackets, so counting starts after
/// its last bracket.
fn ticks_of(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some(user + kernel)
}

/// Bytes in memory that are the process's own: no program text, no shared files.
///
/// # Errors
/// When there is no such process.
pub fn memory_of(pid: u32) -> Result<u64> {
    status_of(pid, "RssAnon:")
}

/// The most bytes that the process ever had in memory, files that it maps included.
///
/// # Errors
/// When there is no such process.
pub fn peak_memory_of(pid: u32) -> Result<u64> {
    status_of(pid, "VmHWM:")
}

fn status_of(pid: u32, key: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kilobytes: u64 = kilobytes.with_context(|| format!("no {key} in kB"))?.parse()?;
    Ok(kilobytes * 1024)
}

#[cfg(test)]
mod tests;

//! A snapshot as 24 lines of at most 80 characters.

use std::fmt::Write as _;

use serde_json::Value;

use super::snapshot::Snapshot;

const COLUMNS: usize = 80;

/// With an earlier look rates are of the time between the two, else of the last seconds or of the
/// whole life of the process.
pub(super) fn draw(now: &Snapshot, before: Option<&Snapshot>) -> String {
    let mut out = String::new();
    let told = lines(&mut out, now, before);
    debug_assert_eq!(told, Ok(()), "a String takes every line");
    out.lines().map(|line| line.chars().take(COLUMNS).collect::<String>() + "\n").collect()
}

fn lines(out: &mut String, now: &Snapshot, before: Option<&Snapshot>) -> std::fmt::Result {
    let metric = |name| now.metric(name);
    let rate = |name, total: &str| match before {
        Some(_) => now.rate(name, before),
        None => now.total(total),
    };
    let ready = if metric("ready") > 0.0 { "ready" } else { "NOT READY" };
    writeln!(
        out,
        "althing top   {ready}, up {}   memory {}   q quits",
        span(metric("uptime_seconds")),
        bytes(metric("resident_bytes"))
    )?;
    writeln!(out)?;
    writeln!(
        out,
        "messages/s   in {:>9.1}   out {:>9.1}   acknowledged {:>9.1}   dropped {:>7.1}",
        rate("messages_received_total", "rate_in"),
        rate("messages_sent_total", "rate_out"),
        now.rate("acknowledged_total", before),
        now.rate("messages_dropped_total", before),
    )?;
    writeln!(
        out,
        "commit       p50 {:>6.2} ms   p99 {:>6.2} ms   max {:>7.2} ms   {:>7.1} commits/s",
        metric("journal_commit_seconds_p50") * 1_000.0,
        metric("journal_commit_seconds_p99") * 1_000.0,
        metric("journal_commit_seconds_max") * 1_000.0,
        now.rate("journal_commits_total", before),
    )?;
    let last = metric("journal_position");
    writeln!(
        out,
        "journal      record {last:.0}   acknowledged -{:.0}   history -{:.0}   {}",
        (last - metric("acknowledged_position")).max(0.0),
        (last - metric("history_position")).max(0.0),
        bytes(metric("journal_disk_bytes"))
    )?;
    writeln!(
        out,
        "clients      {:.0} connected of {:.0}   queued {:.0}   unconfirmed {:.0}   in sockets {}",
        now.total("connected"),
        now.total("sessions"),
        now.total("queued"),
        now.total("in_flight"),
        bytes(now.total("output_bytes"))
    )?;
    table(out, "busiest", &now.busiest)?;
    table(out, "slowest", &now.waiting)
}

fn table(out: &mut String, title: &str, clients: &[Value]) -> std::fmt::Result {
    writeln!(out)?;
    let heads = ("in/s", "out/s", "queued", "unconf.", "socket");
    let (received, sent, queued, flight, output) = heads;
    writeln!(out, "{title:<32} {received:>8} {sent:>8} {queued:>9} {flight:>8} {output:>9}")?;
    for client in clients {
        let number = |key: &str| client.get(key).and_then(Value::as_f64).unwrap_or_default();
        let name = client.get("client").and_then(Value::as_str).unwrap_or_default();
        let mut name: String = name.chars().map(shown).collect();
        if client.get("connected").and_then(Value::as_bool) == Some(false) {
            name.insert_str(0, "(away) ");
        }
        let name: String = name.chars().take(32).collect();
        writeln!(
            out,
            "{name:<32} {:>8.1} {:>8.1} {:>9.0} {:>8.0} {:>9}",
            number("rate_in"),
            number("rate_out"),
            number("queued"),
            number("in_flight"),
            bytes(number("output_bytes")),
        )?;
    }
    Ok(())
}

/// A client may be named by what moves the cursor: shown, not obeyed.
fn shown(letter: char) -> char {
    if letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
        '\u{fffd}'
    } else {
        letter
    }
}

fn bytes(bytes: f64) -> String {
    match bytes {
        ..1e4 => format!("{bytes:.0} B"),
        1e4..1e7 => format!("{:.0} kB", bytes / 1e3),
        1e7..1e10 => format!("{:.0} MB", bytes / 1e6),
        _ => format!("{:.1} GB", bytes / 1e9),
    }
}

fn span(seconds: f64) -> String {
    match seconds {
        ..120.0 => format!("{seconds:.0} s"),
        120.0..7_200.0 => format!("{:.0} min", seconds / 60.0),
        7_200.0..172_800.0 => format!("{:.0} h", seconds / 3_600.0),
        _ => format!("{:.0} d", seconds / 86_400.0),
    }
}

#[cfg(test)]
mod tests;

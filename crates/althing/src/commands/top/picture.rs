//! Two looks at a site as the lines of a terminal.

use serde_json::Value;

use super::layout::{Screen, clip, fit, put, wrap};
use super::snapshot::Snapshot;

/// Less of a client's name tells nobody who it is: columns go before it does.
const NAME_MIN: usize = 16;
/// More room than this and the eye loses the row.
const NAME_MAX: usize = 64;

/// Columns of the table of clients behind the name, with their widths.
const COLUMNS: [(&str, usize); 5] =
    [("in/s", 8), ("out/s", 8), ("queued", 9), ("unconf.", 8), ("socket", 9)];

/// Rates are of the time between the two looks. Without an earlier one, messages are those of the
/// last seconds, as the shards counted them, and of the rest nothing is known yet.
pub(super) fn draw(now: &Snapshot, before: Option<&Snapshot>, screen: Screen) -> String {
    let mut text = summary(now, before, screen);
    text += &table("busiest", &now.busiest, screen, Away::Right);
    text += &table("slowest", &now.waiting, screen, Away::Left);
    clip(&text, screen)
}

/// The last picture of a site that does not answer any more, with the reason above it.
pub(super) fn unanswered(picture: &str, cause: &str, looks: u32, screen: Screen) -> String {
    clip(&format!("OLD PICTURE, looked {looks} times since: {cause}\n{picture}"), screen)
}

fn summary(now: &Snapshot, before: Option<&Snapshot>, screen: Screen) -> String {
    let metric = |name| now.metric(name);
    let rate = |name| now.rate(name, before);
    let soon = |name, recent: &str| rate(name).or_else(|| Some(now.total(recent)));
    let mut head = vec![
        state(now).to_owned(),
        format!("up {}", span(metric("uptime_seconds"))),
        format!("memory {}", bytes(metric("resident_bytes"))),
    ];
    head.extend(screen.rows.map(|_| "q quits".to_owned()));
    let messages = [
        format!("in {:>8}", number(soon("messages_received_total", "rate_in"))),
        format!("out {:>8}", number(soon("messages_sent_total", "rate_out"))),
        format!("acknowledged {:>8}", number(rate("acknowledged_total"))),
        format!("dropped {:>6}", number(rate("messages_dropped_total"))),
    ];
    let commit = [
        format!("p50 {:>6.2} ms", metric("journal_commit_seconds_p50") * 1_000.0),
        format!("p99 {:>6.2} ms", metric("journal_commit_seconds_p99") * 1_000.0),
        format!("max {:>7.2} ms", metric("journal_commit_seconds_max") * 1_000.0),
        format!("{:>7} commits/s", number(rate("journal_commits_total"))),
    ];
    let last = metric("journal_position");
    let behind = |reader| (last - metric(reader)).max(0.0);
    let journal = [
        format!("record {last:.0}"),
        format!("acknowledged -{:.0}", behind("acknowledged_position")),
        format!("history -{:.0}", behind("history_position")),
        bytes(metric("journal_disk_bytes")),
    ];
    let clients = [
        format!("{:.0} connected of {:.0}", now.total("connected"), now.total("sessions")),
        format!("queued {:.0}", now.total("queued")),
        format!("unconfirmed {:.0}", now.total("in_flight")),
        format!("in sockets {}", bytes(now.total("output_bytes"))),
    ];
    let mut text = wrap("althing top", &head, screen) + "\n";
    text += &wrap("messages/s", &messages, screen);
    text += &wrap("commit", &commit, screen);
    text += &wrap("journal", &journal, screen);
    text + &wrap("clients", &clients, screen)
}

fn state(now: &Snapshot) -> &'static str {
    if now.metric("disk_full") > 0.0 {
        "DISK FULL"
    } else if now.metric("ready") > 0.0 {
        "ready"
    } else {
        "NOT READY"
    }
}

/// Which columns go first where a screen is narrow.
#[derive(Clone, Copy)]
enum Away {
    Left,
    Right,
}

fn table(title: &str, clients: &[Value], screen: Screen, away: Away) -> String {
    let mut shown: &[usize] = &[0, 1, 2, 3, 4];
    let taken = |shown: &[usize]| -> usize {
        shown.iter().filter_map(|at| COLUMNS.get(*at)).map(|(_, width)| width + 1).sum()
    };
    while screen.columns < taken(shown) + NAME_MIN {
        let fewer = match away {
            Away::Left => shown.split_first().map(|(_, rest)| rest),
            Away::Right => shown.split_last().map(|(_, rest)| rest),
        };
        let Some(fewer) = fewer else { break };
        shown = fewer;
    }
    let name = screen.columns.saturating_sub(taken(shown)).min(NAME_MAX);
    let line = |head: &str, cells: [String; 5]| {
        let mut line = fit(head, name);
        for at in shown {
            let (Some(cell), Some((_, width))) = (cells.get(*at), COLUMNS.get(*at)) else {
                continue;
            };
            put(&mut line, format_args!(" {cell:>width$}"));
        }
        line + "\n"
    };
    let heads = COLUMNS.map(|(head, _)| head.to_owned());
    let rows = clients.iter().map(|client| line(&named(client), cells(client)));
    format!("\n{}{}", line(title, heads), rows.collect::<String>())
}

fn named(client: &Value) -> String {
    let name = client.get("client").and_then(Value::as_str).unwrap_or_default();
    let away = client.get("connected").and_then(Value::as_bool) == Some(false);
    format!("{}{name}", if away { "(away) " } else { "" })
}

fn cells(client: &Value) -> [String; 5] {
    let of = |key: &str| client.get(key).and_then(Value::as_f64).unwrap_or_default();
    [
        number(Some(of("rate_in"))),
        number(Some(of("rate_out"))),
        format!("{:.0}", of("queued")),
        format!("{:.0}", of("in_flight")),
        bytes(of("output_bytes")),
    ]
}

/// A rate, in at most 7 letters; `-` while it is not known.
fn number(rate: Option<f64>) -> String {
    match rate {
        None => "-".to_owned(),
        Some(rate @ ..1e5) => format!("{rate:.1}"),
        Some(rate @ ..1e7) => format!("{rate:.0}"),
        Some(rate) => format!("{:.0} M", rate / 1e6),
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

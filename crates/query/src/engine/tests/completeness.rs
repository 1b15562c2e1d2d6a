//! What is expected of signals, out of history: only the days and series that a statement names.

use super::*;

const DAY: i64 = 86_400_000;
const MINUTE: i64 = 60_000;

/// 2025-11-01: so far back that all days are over.
const OLD: i64 = -365 * DAY;

/// Temperature every minute for three days, on the second not before noon; a door that opens now
/// and then, and another device on the third day only.
fn site() -> Site {
    let mut site = Site::new(Limits::default());
    for day in 0..3 {
        let day = OLD + day * DAY;
        let noon = if day == OLD + DAY { 720 } else { 0 };
        let minutes = (noon..1_440).map(|minute| day + minute * MINUTE);
        let rows: Vec<Row<'_>> =
            minutes.map(|at| ("farm/node1", "temperature", at, 20.0)).collect();
        site.take(&rows);
    }
    let times = [1, 2, 3, 70, 71, 300, 301, 302, 310, 900, 1_000, 1_001, 1_300, 1_302, 1_410];
    let door: Vec<Row<'_>> =
        times.map(|minute| ("farm/node1", "door", OLD + minute * MINUTE, 1.0)).into();
    site.take(&door);
    site.take(&[("farm/node2", "humidity", OLD + 2 * DAY + 1_000, 1.0)]);
    site
}

const ALL: &str = "SELECT day, device, signal, expected, received, missing FROM completeness \
                   WHERE day < '2025-11-12' ORDER BY signal, day";

fn told(lines: &[&str]) -> String {
    lines.iter().flat_map(|line| [*line, "\n"]).collect()
}

#[test]
fn every_day_tells_what_was_expected_of_a_signal_and_what_came() {
    let temperature = "day,device,signal,expected,received,missing";
    assert_eq!(
        site().csv(&ALL.replace("WHERE", "WHERE signal = 'temperature' AND")),
        told(&[
            temperature,
            "2025-11-01,farm/node1,temperature,1440,1440,0",
            "2025-11-02,farm/node1,temperature,1440,720,720",
            "2025-11-03,farm/node1,temperature,1440,1440,0",
            "2025-11-04,farm/node1,temperature,1440,0,1440",
            "2025-11-05,farm/node1,temperature,1440,0,1440",
            "2025-11-06,farm/node1,temperature,1440,0,1440",
            "2025-11-07,farm/node1,temperature,1440,0,1440",
            "2025-11-08,farm/node1,temperature,1440,0,1440",
            "2025-11-09,farm/node1,temperature,1440,0,1440",
            "2025-11-10,farm/node1,temperature,1440,0,1440",
        ]),
        "after a week of silence nothing is expected"
    );
    assert_eq!(
        site().csv(
            "SELECT expected, received, missing, interval_ms, first_time, last_time \
             FROM completeness WHERE signal = 'door' AND received > 0"
        ),
        told(&[
            "expected,received,missing,interval_ms,first_time,last_time",
            ",15,,,2025-11-01T00:01:00.000Z,2025-11-01T23:30:00.000Z",
        ]),
        "a door opens when it opens"
    );
    assert_eq!(
        site().csv("SELECT count(*) AS n FROM completeness WHERE device = 'farm/node2'"),
        told(&["n", "8"])
    );
}

#[test]
fn the_answer_for_a_day_does_not_depend_on_which_days_are_asked_for() {
    let site = site();
    let all = site.csv(ALL);
    for day in ["2025-11-02", "2025-11-04", "2025-11-10"] {
        let one = format!("WHERE day = '{day}' AND");
        let told = site.csv(&ALL.replace("WHERE", &one));
        let expected: Vec<&str> = all.lines().filter(|line| line.starts_with(day)).collect();
        assert!(!expected.is_empty(), "{day}");
        assert_eq!(told.lines().skip(1).collect::<Vec<_>>(), expected, "{day}");
    }
}

#[test]
fn only_the_days_and_signals_asked_for_are_read_and_files_only_once() {
    let mut site = site();
    let read = |site: &Site, sql: &str| {
        let before = site.engine.rows_read();
        site.answer(sql, Format::Csv).unwrap();
        site.engine.rows_read() - before
    };
    let door = "SELECT * FROM completeness WHERE signal = 'door' AND day <= '2025-11-03'";
    assert_eq!(read(&site, door), 15);
    assert_eq!(read(&site, "SELECT * FROM completeness WHERE day = '2025-11-20'"), 0);
    assert_eq!(
        read(&site, "SELECT * FROM completeness WHERE day < '2025-11-02'"),
        1_440 + 15 + 720
    );
    assert_eq!(read(&site, door), 15, "rows in memory may still change");

    let now = Timestamp::from_millis(START);
    let committed = site.engine.site.horizon.committed();
    site.writer.mark(&[], now);
    site.writer.finish(committed).unwrap();
    let before = site.csv(ALL);
    assert_eq!(read(&site, ALL), 0, "a file does not change");
    assert_eq!(read(&site, door), 0);
    site.take(&[("farm/node1", "temperature", OLD + DAY + 1, 5.0)]);
    let after = site.csv(ALL);
    assert_ne!(before, after);
    assert!(after.contains("2025-11-02,farm/node1,temperature,1440,721,719\n"), "{after}");
}

/// As the console's page asks: the lines that lack most first, and how many there are.
#[test]
fn lines_are_placed_by_what_they_lack() {
    let days = "SELECT CAST(day AS VARCHAR) AS day, signal AS name, sum(expected) AS expected, \
                sum(received) AS received, sum(missing) AS missing, sum(late) AS late, \
                sum(suspect) AS suspect FROM completeness \
                WHERE day >= DATE '2025-11-01' AND day < DATE '2025-11-03' AND device = 'farm/node1' \
                GROUP BY day, signal";
    let lost = format!(
        "SELECT *, sum(coalesce(missing, 0)) OVER (PARTITION BY name) AS lost FROM ({days})"
    );
    let placed =
        format!("SELECT *, dense_rank() OVER (ORDER BY lost DESC, name) AS place FROM ({lost})");
    let counted = format!("SELECT *, max(place) OVER () AS names FROM ({placed})");
    let page = format!(
        "SELECT day, name, expected, received, missing, late, suspect, names FROM ({counted}) \
         WHERE place > 0 AND place <= 30 ORDER BY place, day"
    );
    assert_eq!(
        site().csv(&page),
        told(&[
            "day,name,expected,received,missing,late,suspect,names",
            "2025-11-01,temperature,1440,1440,0,0,0,2",
            "2025-11-02,temperature,1440,720,720,0,0,2",
            "2025-11-01,door,,15,,0,0,2",
            "2025-11-02,door,,0,,0,0,2",
        ])
    );
}

#[test]
fn explain_tells_how_many_days_and_series_are_looked_at() {
    let told = site().csv(
        "EXPLAIN SELECT day FROM completeness WHERE device = 'farm/node1' AND day BETWEEN '2025-11-02' AND '2025-11-03'",
    );
    assert!(told.contains("SiteScan: completeness, series=2 of 3, days=2"), "{told}");
}

//! Aggregates that are folded where they are read give what the plain way gives.

use history::{Keep, Keeping};

use super::*;

/// Readings of two devices and signals over three days, some late, some texts.
fn site() -> Site {
    let mut site = Site::new(Limits::default());
    let mut dice = 7_u64;
    for round in 0..50 {
        let mut rows = Vec::new();
        for _ in 0..40 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round);
            let device = ["farm/node1", "farm/node2"][(dice >> 40) as usize % 2];
            let signal = ["temperature", "humidity"][(dice >> 41) as usize % 2];
            let after = (dice >> 33).cast_signed() % 250_000 * 1_000;
            rows.push((device, signal, after, (dice >> 52) as f64 / 4.0));
        }
        site.take(&rows);
    }
    let key = SeriesKey { device: "farm/node1", signal: "temperature" };
    let series = site.writer.series(key, SeriesInfo { unit: None });
    let position = Position::new(site.next);
    for minute in 0..100 {
        let time = Timestamp::from_millis(START + minute * 60_007);
        site.writer.append(series, (time, Value::Text("off")), Quality::GOOD, position);
    }
    assert!(matches!(site.writer.seal(position), Room::Free));
    site.visible.advance(position);
    site.durable.advance(position);
    site
}

/// Runs a statement as it is, and with a filter that keeps the rule away.
#[track_caller]
fn check(site: &Site, select: &str, table: &str, filter: &str, rest: &str) {
    let plain = if table == "readings" { "quality < 9" } else { "upper(device) <> time::text" };
    let folded = format!("SELECT {select} FROM {table} r WHERE {filter} {rest}");
    let looked = format!("SELECT {select} FROM {table} r WHERE {filter} AND {plain} {rest}");
    let explained = site.csv(&format!("EXPLAIN {folded}"));
    assert!(explained.contains("groups of readings"), "{folded}\n{explained}");
    let explained = site.csv(&format!("EXPLAIN {looked}"));
    assert!(!explained.contains("groups of readings"), "{looked}\n{explained}");
    assert_eq!(site.csv(&folded), site.csv(&looked), "{folded}");
}

const ALL: &str = "count(*) AS r, count(number) AS n, sum(number) AS s, round(avg(number), 9) AS m, \
                   min(number) AS lo, max(number) AS hi";
/// Of one series: several may have readings at one time.
const ENDS: &str = "first(number, time) AS f, last(number, time) AS l";

#[test]
fn readings_in_groups_of_all_kinds() {
    let site = site();
    let day = "time >= '2026-11-02' AND time < '2026-11-03T01:02:03.004Z'";
    check(&site, ALL, "readings", "true", "");
    check(&site, ALL, "readings", day, "");
    check(&site, ALL, "readings", "time > now() + INTERVAL '999 days'", "");
    check(&site, &format!("device, {ALL}"), "readings", day, "GROUP BY device ORDER BY 1");
    check(
        &site,
        &format!("time_bucket('10 minutes', time) AS t, signal, {ALL}"),
        "readings",
        "device = 'farm/node1'",
        "GROUP BY 1, 2 ORDER BY 1, 2",
    );
    check(
        &site,
        &format!("date_trunc('day', time) AS t, device, signal, {ENDS}"),
        "readings",
        day,
        "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    );
    check(
        &site,
        &format!("date_trunc('hour', r.time) AS t, {ALL}"),
        "readings",
        "signal LIKE 'temp%'",
        "GROUP BY 1 ORDER BY 1",
    );
    check(
        &site,
        "time_bucket('7 minutes', time, TIMESTAMP '2026-11-01 00:00:03') AS t, device, sum(number) AS s",
        "readings",
        day,
        "GROUP BY 1, device HAVING sum(number) > 300 ORDER BY 1, 2",
    );
    check(
        &site,
        "date_trunc('week', time) AS t, count(*) AS n",
        "readings",
        "true",
        "GROUP BY 1 ORDER BY 1",
    );
}

#[test]
fn device_types_in_groups() {
    let site = site();
    let of = |column: &str| ALL.replace("number", column);
    check(&site, &of("temperature"), "node", "time > '2026-11-01'", "");
    check(
        &site,
        &format!(
            "device, date_trunc('day', time) AS d, {}, {}",
            of("humidity"),
            ENDS.replace("number", "humidity")
        ),
        "node",
        "device LIKE '%1'",
        "GROUP BY 1, 2 ORDER BY 1, 2",
    );
    check(
        &site,
        "time_bucket('1 hour', time) AS t, avg(temperature) AS a, max(humidity) AS h, count(humidity) AS n",
        "node",
        "true",
        "GROUP BY 1 ORDER BY 1",
    );
}

/// As programs write buckets that draw them.
#[test]
fn what_is_computed_of_a_bucket_is_a_key() {
    let site = site();
    for key in [
        "floor(extract(epoch from time) / 300) * 300 AS \"time\"",
        "CAST(date_part('epoch', time_bucket('438 minutes', time)) AS BIGINT) * 1000 AS ms",
        "to_char(date_trunc('day', time), '%d.%m.') AS day",
        "-date_part('epoch', date_trunc('hour', time)) / 3600 AS h",
        "extract(hour from time_bucket('1 hour', time)) AS hour",
    ] {
        let rest = "GROUP BY 1 ORDER BY 1";
        check(&site, &format!("{key}, {ALL}"), "readings", "device = 'farm/node1'", rest);
        check(&site, &format!("{key}, max(humidity) AS hi"), "node", "true", rest);
    }
    for key in [
        "floor(extract(epoch from time) / 0.3)",
        "time_bucket('1 hour', time) - time",
        "concat(device, time_bucket('1 hour', time)::text)",
        "extract(hour from time)",
        "date_trunc('day', time AT TIME ZONE '+02:00')",
        "time_bucket('1 hour', time), time_bucket('1 day', time)",
    ] {
        let sql = format!("SELECT {key}, count(*) FROM readings GROUP BY {key}");
        let explained = site.csv(&format!("EXPLAIN {sql}"));
        assert!(explained.contains("SiteScan: readings"), "{sql}\n{explained}");
        site.answer(&sql, Format::Csv).unwrap();
    }
}

/// Two groups of one shape over different readings.
#[test]
fn each_subquery_reads_its_own() {
    let site = Site::sample();
    let most = |device: u32| {
        format!(
            "(SELECT max(number) FROM readings WHERE device = 'farm/node{device}') AS d{device}"
        )
    };
    assert_eq!(site.csv(&format!("SELECT {}, {}", most(1), most(2))), "d1,d2\n60.0,10.0\n");
}

#[test]
fn what_groups_do_not_hold_is_looked_at_row_by_row() {
    let site = site();
    for sql in [
        "SELECT count(DISTINCT number) FROM readings",
        "SELECT sum(number) FILTER (WHERE number > 5) FROM readings",
        "SELECT sum(number) FROM readings WHERE number > 5",
        "SELECT avg(number + 1) FROM readings",
        "SELECT max(text) FROM readings",
        "SELECT date_trunc('month', time), count(*) FROM readings GROUP BY 1",
        "SELECT time_bucket(INTERVAL '1 month', time), count(*) FROM readings GROUP BY 1",
        "SELECT quality, count(*) FROM readings GROUP BY 1",
        "SELECT count(*) FROM node",
        "SELECT count(*), max(temperature), max(humidity) FROM node",
    ] {
        let explained = site.csv(&format!("EXPLAIN {sql}"));
        assert!(explained.contains("SiteScan"), "{sql}\n{explained}");
        assert!(!explained.contains("groups of readings"), "{sql}\n{explained}");
        site.answer(sql, Format::Csv).unwrap();
    }
}

#[test]
fn hours_stand_for_the_readings_of_closed_days() {
    let mut site = site();
    let of_hours = |site: &Site, sql: &str| {
        site.csv(&format!("EXPLAIN {sql}")).contains("1 runs of days from hours")
    };
    let hourly = "SELECT date_trunc('hour', time) AS t, count(*) AS n FROM readings GROUP BY 1";
    assert!(!of_hours(&site, hourly));
    site.close_days();
    site.take(&[("farm/node2", "humidity", 4 * 86_400_000, 1.0)]);
    assert!(of_hours(&site, hourly));
    assert!(!of_hours(&site, &hourly.replace("trunc('hour'", "trunc('minute'")));
    let halves = "SELECT count(*) FROM readings WHERE time < '2026-11-02T00:30:00Z'";
    assert!(of_hours(&site, halves), "the first day");
    let since = "time >= '2026-11-01T05:00:00Z' AND time < '2026-11-03T01:30:00Z'";
    check(&site, ALL, "readings", "true", "");
    check(
        &site,
        &format!("device, signal, {ALL}, {ENDS}"),
        "readings",
        since,
        "GROUP BY 1, 2 ORDER BY 1, 2",
    );
    check(
        &site,
        &format!("time_bucket('2 hours', time) AS t, signal, {ALL}"),
        "readings",
        "device = 'farm/node1'",
        "GROUP BY 1, 2 ORDER BY 1, 2",
    );
    check(
        &site,
        "device, time_bucket('1 day', time) AS t, max(temperature) AS hi, avg(humidity) AS m",
        "node",
        since,
        "GROUP BY 1, 2 ORDER BY 1, 2",
    );
}

/// Readings of one device are kept for a day.
#[derive(Debug)]
struct OneIsShort;

impl Keeping for OneIsShort {
    fn of(&self, device: &str) -> Keep {
        if device == "farm/node1" { self.all()[0] } else { Keep::Ever }
    }

    fn all(&self) -> Vec<Keep> {
        vec![Keep::For(Duration::from_secs(86_400))]
    }
}

/// Their hours stay, and are in `hours` only.
#[test]
fn readings_that_left_are_in_no_group() {
    let mut site = site();
    site.writer.keep_by(Arc::new(OneIsShort));
    site.close_days();
    let by_device = "SELECT device, count(*) > 0 AS any FROM readings GROUP BY 1 ORDER BY 1";
    let explained = site.csv(&format!("EXPLAIN {by_device}"));
    assert!(explained.contains("1 runs of days from hours"), "{explained}");
    assert_eq!(site.csv(by_device), "device,any\nfarm/node2,true\n");
    check(&site, &format!("device, {ALL}"), "readings", "true", "GROUP BY 1 ORDER BY 1");
    let kept = by_device.replace("readings", "hours");
    assert_eq!(site.csv(&kept), "device,any\nfarm/node1,true\nfarm/node2,true\n");
}

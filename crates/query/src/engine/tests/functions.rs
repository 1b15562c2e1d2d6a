//! Aggregates over time, as SQL calls them.

use super::*;

/// A counter that starts again, read every minute; later rows come first.
fn counter() -> Site {
    let mut site = Site::new(Limits::default());
    site.take(&[("pump", "energy", 180_000, 4.0), ("pump", "energy", 240_000, 8.0)]);
    site.take(&[("pump", "energy", 0, 10.0), ("pump", "energy", 60_000, 16.0)]);
    site.take(&[("tank", "level", 0, 1.0), ("tank", "level", 120_000, 3.0)]);
    site
}

#[track_caller]
fn check(sql: &str, expected: &[&str]) {
    let told = counter().csv(sql);
    assert_eq!(told.lines().collect::<Vec<_>>(), expected, "{sql}");
}

#[test]
fn a_group_has_its_own_first_and_last() {
    check(
        "SELECT device, first(number, time) AS f, last(number, time) AS l, increase(number, time) AS i, \
         rate(number, time) AS r FROM readings GROUP BY device ORDER BY device",
        &[
            "device,f,l,i,r",
            "pump,10.0,8.0,14.0,0.058333333333333334",
            "tank,1.0,3.0,2.0,0.016666666666666666",
        ],
    );
    check("SELECT first(number, time) AS f FROM readings WHERE device = 'no'", &["f", ""]);
}

#[test]
fn values_weigh_as_long_as_they_held_and_lie_on_lines() {
    check(
        "SELECT time_weight(number, time) AS w, \
         interpolate(number, time, TIMESTAMP '2026-11-01T00:00:30') AS at \
         FROM readings WHERE device = 'tank'",
        &["w,at", "1.0,1.5"],
    );
}

#[test]
fn a_signal_is_joined_as_of_the_times_of_another() {
    let mut site = Site::new(Limits::default());
    site.take(&[
        ("oven", "setpoint", 10_000, 180.0),
        ("oven", "temperature", 5_000, 20.0),
        ("oven", "temperature", 10_000, 21.0),
        ("oven", "temperature", 20_000, 90.0),
        ("oven", "setpoint", 30_000, 200.0),
        ("oven", "temperature", 31_000, 170.0),
        ("kiln", "temperature", 40_000, 7.0),
    ]);
    let join = "SELECT device, number, setpoint FROM (SELECT time, device, signal, number, \
                carry_forward(CASE WHEN signal = 'setpoint' THEN number END) OVER \
                (PARTITION BY device ORDER BY time, signal <> 'setpoint') AS setpoint FROM readings) \
                WHERE signal = 'temperature' ORDER BY device, time";
    let lines = "device,number,setpoint\nkiln,7.0,\noven,20.0,\noven,21.0,180.0\noven,90.0,180.0\n\
                 oven,170.0,200.0\n";
    assert_eq!(site.csv(join), lines);
    let at = "SELECT device, asof(number, time, '2026-11-01T00:00:29Z') AS at FROM readings \
              WHERE signal = 'setpoint' GROUP BY device";
    assert_eq!(site.csv(at), "device,at\noven,180.0\n");
}

#[test]
fn lists_of_points_become_rows() {
    check(
        "SELECT p['time'] AS time, p['value'] AS value FROM \
         (SELECT unnest(m4(number, time)) AS p FROM readings WHERE device = 'pump')",
        &[
            "time,value",
            "2026-11-01T00:00:00.000Z,10.0",
            "2026-11-01T00:01:00.000Z,16.0",
            "2026-11-01T00:03:00.000Z,4.0",
            "2026-11-01T00:04:00.000Z,8.0",
        ],
    );
    check(
        "SELECT p['time'] AS time, p['value'] AS value FROM (SELECT unnest(gap_fill(number, time, \
         INTERVAL '1 minute', '2026-11-01T00:00:00', '2026-11-01T00:04:00', 'linear')) AS p \
         FROM readings WHERE device = 'tank')",
        &[
            "time,value",
            "2026-11-01T00:00:00.000Z,1.0",
            "2026-11-01T00:01:00.000Z,2.0",
            "2026-11-01T00:02:00.000Z,3.0",
            "2026-11-01T00:03:00.000Z,",
        ],
    );
}

#[test]
fn a_wrong_call_says_how_it_is_done() {
    for (sql, what) in [
        ("SELECT first(number) FROM readings", "first(value, time)"),
        (
            "SELECT gap_fill(number, time, INTERVAL '1 month', now(), now()) FROM readings",
            "days or less",
        ),
        (
            "SELECT gap_fill(number, time, INTERVAL '1 second', '1990-01-01', '2026-01-01') FROM readings",
            "50000 points",
        ),
        (
            "SELECT gap_fill(number, time, INTERVAL '1 hour', now(), now(), 'zigzag') FROM readings",
            "'null', 'previous' or 'linear'",
        ),
        ("SELECT interpolate(number, time, time) FROM readings", "the same for all rows"),
    ] {
        let told = counter().csv(sql);
        assert!(told.starts_with("invalid: ") && told.contains(what), "{sql}\n{told}");
    }
}

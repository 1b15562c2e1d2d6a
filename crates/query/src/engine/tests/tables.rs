//! Each table shows what was put in, and reads no more than it must.

use super::*;

#[track_caller]
fn check(sql: &str, expected: &[&str]) {
    let told = Site::sample().csv(sql);
    assert_eq!(told.lines().collect::<Vec<_>>(), expected, "{sql}");
}

#[test]
fn readings_have_one_row_each() {
    check(
        "SELECT * FROM readings WHERE device = 'farm/node1' ORDER BY time, signal",
        &[
            "time,device,signal,number,text,quality",
            "2026-11-01T00:00:00.000Z,farm/node1,humidity,60.0,,0",
            "2026-11-01T00:00:00.000Z,farm/node1,temperature,20.0,,0",
            "2026-11-01T00:01:00.000Z,farm/node1,temperature,21.0,,0",
        ],
    );
    check("SELECT count(*) AS n FROM readings", &["n", "5"]);
    check("SELECT count(*) AS n FROM readings WHERE time > '2026-11-01'", &["n", "2"]);
}

#[test]
fn latest_signals_and_devices_have_one_row_for_each() {
    check(
        "SELECT device, signal, number, unit FROM latest WHERE device LIKE 'farm%' ORDER BY 1, 2",
        &[
            "device,signal,number,unit",
            "farm/node1,humidity,60.0,",
            "farm/node1,temperature,21.0,Cel",
            "farm/node2,temperature,10.0,Cel",
        ],
    );
    check(
        "SELECT device, signal FROM latest WHERE time > '2026-11-01' ORDER BY 1, 2",
        &["device,signal", "farm/node1,temperature", "mill/devices,Speed"],
    );
    check(
        "SELECT signal, unit_print, kind, last_number FROM signals WHERE device = 'farm/node2'",
        &["signal,unit_print,kind,last_number", "temperature,°C,number,10.0"],
    );
    check(
        "SELECT device, type, keys, first_seen, last_seen FROM devices WHERE type = 'devices'",
        &[
            "device,type,keys,first_seen,last_seen",
            "mill/devices,devices,topic:mill/devices,2026-11-01T00:00:00.000Z,",
        ],
    );
}

/// Labels and devices are, although the readings stand first.
#[test]
fn the_smaller_side_of_a_join_is_kept_in_memory() {
    let mut site = Site::sample();
    let many: Vec<Row<'_>> =
        (0..500).map(|second| ("farm/node1", "temperature", second * 1_000, 20.0)).collect();
    site.take(&many);
    for table in ["readings", "node"] {
        let sql = format!(
            "SELECT count(*) FROM {table} AS said JOIN labels ON labels.device = said.device \
             JOIN devices ON devices.device = said.device WHERE label = 'model'"
        );
        let plan = site.csv(&format!("EXPLAIN {sql}"));
        let (labels, readings) = (plan.rfind("SiteScan: labels"), plan.rfind("SiteScan"));
        assert!(labels.is_some() && labels < readings, "{plan}");
        assert!(!plan.contains("mode=Partitioned"), "{plan}");
    }
}

#[test]
fn labels_have_one_row_each_and_join_with_readings() {
    let site = Site::sample();
    let all = "SELECT * FROM labels";
    let long = "SHT31 with a long name";
    let told = |firmware| {
        format!(
            "device,label,value\nfarm/node1,firmware,{firmware}\nfarm/node1,model,{long}\n\
             farm/node2,model,{long}\n"
        )
    };
    assert_eq!(site.csv(all), told("1.0"));
    site.catalog.0.store(1, Ordering::Relaxed);
    assert_eq!(site.csv(all), told("1.1"), "a change is seen by the next statement");
    assert_eq!(
        site.csv(
            "SELECT value, count(*) AS n FROM readings JOIN labels USING (device) \
             WHERE label = 'model' GROUP BY value"
        ),
        format!("value,n\n{long},4\n")
    );
}

#[test]
fn messages_end_at_what_is_committed_and_show_bytes_as_digits() {
    let sql = "SELECT position, payload, qos, retained FROM messages";
    let mut site = Site::sample();
    assert_eq!(site.csv(sql), "position,payload,qos,retained\n1,21.5,1,false\n");
    site.take(&[]);
    let two = "position,payload,qos,retained\n1,21.5,1,false\n2,\\xff00,1,true\n";
    assert_eq!(site.csv(sql), two);
}

#[test]
fn a_device_type_is_a_table() {
    check(
        "SELECT * FROM node ORDER BY device, time",
        &[
            "time,device,humidity,temperature",
            "2026-11-01T00:00:00.000Z,farm/node1,60.0,20.0",
            "2026-11-01T00:01:00.000Z,farm/node1,,21.0",
            "2026-11-01T00:00:00.000Z,farm/node2,,10.0",
        ],
    );
    check("SELECT count(*) AS n FROM node", &["n", "3"]);
    check("SELECT humidity FROM node", &["humidity", "60.0"]);
    check("SELECT \"Speed\" FROM devices_type", &["Speed", "3.0"]);
    check("SELECT device FROM node WHERE device = 'farm/node2'", &["device", "farm/node2"]);
    check("SELECT temperature FROM node LIMIT 1", &["temperature", "21.0"]);
}

#[test]
fn the_wide_table_is_the_pivot_of_readings() {
    let mut site = Site::new(Limits::default());
    type Cells = (Option<f64>, Option<f64>);
    let mut expected: BTreeMap<(i64, &str), Cells> = BTreeMap::new();
    let mut dice = 1_u64;
    for round in 0..40 {
        let mut rows = Vec::new();
        for _ in 0..100 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round);
            let device = ["farm/node1", "farm/node2"][(dice >> 40) as usize % 2];
            let after = (dice >> 33).cast_signed() % 3_000 * 1_000_000;
            let number = (dice >> 50) as f64;
            let cell = expected.entry((after, device)).or_default();
            if (dice >> 45).is_multiple_of(2) {
                cell.0 = Some(number);
                rows.push((device, "temperature", after, number));
            } else {
                cell.1 = Some(number);
                rows.push((device, "humidity", after, number));
            }
        }
        site.take(&rows);
    }
    let shown = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:?}"));
    let mut lines = vec!["after,device,temperature,humidity".to_owned()];
    for ((after, device), (temperature, humidity)) in &expected {
        lines.push(format!("{after},{device},{},{}", shown(*temperature), shown(*humidity)));
    }
    assert!(expected.values().any(|cell| cell.0.is_some() && cell.1.is_some()), "rows that merge");
    let told = site.csv(&format!(
        "SELECT CAST(time AS BIGINT) - {START} AS after, device, temperature, humidity \
         FROM node ORDER BY 1, 2"
    ));
    assert_eq!(told.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn filters_keep_history_from_reading_other_rows() {
    let site = Site::sample();
    for (sql, rows) in [
        ("SELECT number FROM readings", 5),
        ("SELECT number FROM readings WHERE device = 'farm/node2'", 1),
        ("SELECT number FROM readings WHERE device IN ('farm/node2', 'mill/devices')", 2),
        ("SELECT number FROM readings WHERE device LIKE 'farm/%' AND signal = 'temperature'", 3),
        ("SELECT number FROM readings WHERE time >= '2026-11-01T00:00:30Z'", 2),
        ("SELECT number FROM readings WHERE time < TIMESTAMP '2026-11-01 00:00:30'", 3),
        ("SELECT number FROM readings WHERE time > now() + INTERVAL '9000 days'", 0),
        ("SELECT temperature FROM node", 3),
        ("SELECT humidity FROM node", 1),
        ("SELECT temperature FROM node WHERE device = 'farm/node2'", 1),
        ("SELECT * FROM node WHERE time = '2026-11-01T00:01:00Z'", 1),
    ] {
        let before = site.engine.rows_read();
        site.answer(sql, Format::Csv).unwrap();
        assert_eq!(site.engine.rows_read() - before, rows, "{sql}");
    }
}

#[test]
fn a_statement_sees_committed_records_only_and_all_tables_at_once() {
    let mut site = Site::sample();
    let key = SeriesKey { device: "farm/node1", signal: "temperature" };
    let series = site.writer.series(key, SeriesInfo { unit: None });
    let late = (Timestamp::from_millis(START + 120_000), Value::Number(99.0));
    site.writer.append(series, late, Quality::GOOD, Position::new(2));
    assert!(matches!(site.writer.seal(Position::new(2)), Room::Free));
    let sql = "SELECT (SELECT count(*) FROM readings) AS r, (SELECT count(*) FROM messages) AS m, \
               (SELECT max(number) FROM latest) AS l";
    assert_eq!(site.csv(sql), "r,m,l\n5,1,60.0\n");
    site.visible.advance(Position::new(2));
    site.durable.advance(Position::new(2));
    assert_eq!(site.csv(sql), "r,m,l\n6,2,99.0\n");
}

#[test]
fn functions_convert_units_and_cut_time() {
    check(
        "SELECT round(to_unit(number, unit, '°F'), 9) AS f, to_unit(number, unit, 'V') AS v FROM latest \
         WHERE device = 'farm/node2'",
        &["f,v", "50.0,"],
    );
    check(
        "SELECT time_bucket('5 minutes', time) AS t, count(*) AS n FROM readings GROUP BY 1",
        &["t,n", "2026-11-01T00:00:00.000Z,5"],
    );
}

#[test]
fn explain_tells_what_a_scan_has_before_it() {
    let told = Site::sample().csv(
        "EXPLAIN SELECT time, number FROM readings WHERE device = 'farm/node1' AND time >= '2026-11-01' LIMIT 3",
    );
    let scan = "SiteScan: readings, series=2 of 4, from=2026-11-01T00:00:00Z, to=any, files=0 of 0 (0 bytes), \
                rows in memory=5";
    assert!(told.contains(scan), "{told}");
    let told = Site::sample().csv("EXPLAIN ANALYZE SELECT temperature FROM node");
    assert!(told.contains("rows of a device type") && told.contains("output_rows=3"), "{told}");
}

#[test]
fn hours_are_of_closed_days() {
    let mut site = Site::sample();
    assert_eq!(site.csv("SELECT count(*) AS n FROM hours"), "n\n0\n");
    site.close_days();
    site.take(&[("farm/node1", "temperature", 86_400_000, 30.0)]);
    let all = site.csv("SELECT * FROM hours WHERE device = 'farm/node1' ORDER BY signal");
    let expected = "hour,device,signal,readings,numbers,sum,min,max,min_time,max_time,first,first_time,last,last_time
2026-11-01T00:00:00.000Z,farm/node1,humidity,1,1,60.0,60.0,60.0,2026-11-01T00:00:00.000Z,2026-11-01T00:00:00.000Z,60.0,2026-11-01T00:00:00.000Z,60.0,2026-11-01T00:00:00.000Z
2026-11-01T00:00:00.000Z,farm/node1,temperature,2,2,41.0,20.0,21.0,2026-11-01T00:00:00.000Z,2026-11-01T00:01:00.000Z,20.0,2026-11-01T00:00:00.000Z,21.0,2026-11-01T00:01:00.000Z
";
    assert_eq!(all, expected);
    let some = "SELECT signal, sum / numbers AS mean, hour FROM hours WHERE hour >= '2026-11-01' AND \
                hour < '2026-11-01 00:00:00.001' AND signal = 'Speed'";
    assert_eq!(site.csv(some), "signal,mean,hour\nSpeed,3.0,2026-11-01T00:00:00.000Z\n");
    assert_eq!(site.csv("SELECT count(*) AS n FROM hours WHERE hour > '2026-11-01'"), "n\n0\n");
    let told = site
        .csv("EXPLAIN SELECT last FROM hours WHERE hour > '2026-11-01' AND device = 'farm/node2'");
    let scan =
        "SiteScan: hours, series=1 of 4, from=2026-11-01T00:00:00.001Z, to=any, files=0 of 1 (";
    assert!(told.contains(scan), "{told}");
}

/// As the table says what SQL would say of the readings.
#[test]
fn hours_are_what_sql_makes_of_the_readings() {
    let mut site = Site::new(Limits::default());
    let rows: Vec<_> = (0..500_i32)
        .map(|step| ("d", "s", i64::from(step) * 97_001, f64::from(step * 31 % 64) / 4.0))
        .collect();
    site.take(&rows);
    site.close_days();
    let of_readings = "SELECT date_trunc('hour', time) AS hour, count(*) AS readings, sum(number) AS sum, \
                       min(number) AS min, max(number) AS max, first(number, time) AS first, \
                       last(number, time) AS last FROM readings GROUP BY 1 ORDER BY 1";
    let of_hours = "SELECT hour, readings, sum, min, max, first, last FROM hours ORDER BY 1";
    let found = site.csv(of_hours);
    assert_eq!(found, site.csv(of_readings));
    assert_eq!(found.lines().count(), 1 + 14);
}

#[test]
fn tables_can_be_listed_and_described() {
    let tables = Site::sample().csv("SHOW TABLES");
    for name in [
        "readings",
        "hours",
        "labels",
        "latest",
        "messages",
        "devices",
        "signals",
        "node",
        "devices_type",
    ] {
        assert!(tables.contains(&format!("althing,public,{name},")), "{tables}");
    }
    assert!(Site::sample().csv("DESCRIBE node").contains("humidity"));
    assert!(Site::sample().csv("EXPLAIN SELECT * FROM node").contains("plan_type"));
}

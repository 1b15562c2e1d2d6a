//! A statement that is asked again is not planned again, and sees the site of its own moment.

use arrow::array::{ArrayRef, AsArray as _};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::ScalarValue;

use super::*;

fn kept(site: &Site) -> usize {
    site.engine.contexts.kept.len()
}

#[test]
fn new_readings_devices_and_labels_are_seen() {
    let mut site = Site::sample();
    let statements = [
        "SELECT count(*) FROM readings WHERE signal = 'temperature'",
        "SELECT device, max(number) FROM readings GROUP BY 1 ORDER BY 1",
        "SELECT device, number FROM latest WHERE signal = 'temperature' ORDER BY 1",
        "SELECT n.device, labels.value FROM node n JOIN labels ON labels.device = n.device \
         WHERE label = 'firmware' AND temperature > 15 ORDER BY time",
        "SELECT avg(temperature), max(humidity) FROM node",
        "SELECT (SELECT max(number) FROM latest WHERE signal <> 'humidity') AS most, device FROM public.devices ORDER BY 2",
    ];
    let first: Vec<String> = statements.iter().map(|sql| site.csv(sql)).collect();
    assert_eq!(kept(&site), statements.len());
    let again: Vec<String> = statements.iter().map(|sql| site.csv(sql)).collect();
    assert_eq!(first, again);

    site.take(&[("farm/node2", "temperature", 120_000, 35.0)]);
    site.take(&[("farm/node3", "temperature", 120_000, 36.0)]);
    site.catalog.0.store(1, Ordering::Relaxed);
    for (sql, before) in statements.iter().zip(&first) {
        let now = site.csv(sql);
        assert_ne!(&now, before, "{sql}");
        assert_eq!(now, site.csv(&format!("{sql} -- planned anew")), "{sql}");
    }
}

#[test]
fn a_table_with_new_columns_is_planned_anew() {
    let mut site = Site::sample();
    let (all, mean) = ("SELECT * FROM node ORDER BY 1, 2", "SELECT avg(humidity) FROM node");
    assert!(site.csv(all).starts_with("time,device,humidity,temperature\n"));
    assert!(site.csv(mean).ends_with("\n60.0\n"));
    site.take(&[
        ("farm/node1", "battery", 120_000, 3.6),
        ("farm/node1", "humidity", 120_000, 70.0),
    ]);
    assert!(site.csv(all).starts_with("time,device,battery,humidity,temperature\n"));
    assert!(site.csv(mean).ends_with("\n65.0\n"));
    assert_eq!(kept(&site), 2);
}

#[test]
fn what_is_kept_reads_hours_as_soon_as_there_are_any() {
    let mut site = Site::sample();
    let sql = "SELECT device, sum(number) FROM readings GROUP BY 1 ORDER BY 1";
    let before = site.csv(sql);
    let rows = site.engine.rows_read();
    site.close_days();
    assert_eq!(site.csv(sql), before);
    assert_eq!(site.engine.rows_read() - rows, 4, "hours of four series");
}

#[test]
fn what_speaks_of_the_moment_or_of_other_tables_is_not_kept() {
    let site = Site::sample();
    for sql in [
        "SELECT count(*) FROM readings WHERE time < now()",
        "SELECT random() FROM latest",
        "SELECT device FROM latest WHERE EXISTS (SELECT 1 FROM hours WHERE hour > current_date)",
        "SELECT table_name FROM information_schema.tables",
        "EXPLAIN SELECT device FROM latest",
        "SELECT none FROM latest",
        "DESCRIBE node",
        "DESCRIBE SELECT * FROM node",
        "SELECT * FROM generate_series(1, 3)",
        "WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n WHERE x < 3) SELECT x FROM n",
    ] {
        site.csv(sql);
        assert_eq!(kept(&site), 0, "{sql}");
    }
}

/// The one column and row that a client of `PostgreSQL` gets.
fn answer_of(site: &Site, sql: &str, values: Vec<ScalarValue>) -> ArrayRef {
    site.runtime.block_on(async {
        let mut commands = site.engine.parse(sql).await.unwrap();
        let Some(Command::Read(statement)) = commands.pop() else { panic!("{sql}") };
        let prepared = site.engine.prepare(statement).await.unwrap();
        let values = ParamValues::from(values);
        let mut answer = site.engine.run_prepared(&prepared, values).await.unwrap();
        Arc::clone(answer.next().await.unwrap().unwrap().column(0))
    })
}

#[test]
fn statements_with_values_are_kept_with_their_values() {
    let mut site = Site::sample();
    let sql = "SELECT number FROM latest WHERE device = $1 AND signal = 'temperature'";
    let last = |site: &Site, device: &str| {
        let number = answer_of(site, sql, vec![ScalarValue::from(device)]);
        number.as_primitive::<Float64Type>().value(0).to_string()
    };
    let both = |site: &Site| ["farm/node1", "farm/node2"].map(|device| last(site, device));
    assert_eq!(both(&site), ["21", "10"]);
    assert_eq!(kept(&site), 2);
    site.take(&[("farm/node2", "temperature", 120_000, 11.0)]);
    assert_eq!(both(&site), ["21", "11"]);
    assert_eq!(kept(&site), 2);
}

/// Texts that look alike when they are written down.
#[test]
fn other_words_are_another_statement() {
    let site = Site::sample();
    for (sql, said) in [("SELECT '''''' AS x", "''"), ("SELECT '''' AS x", "'")] {
        let column = cast(&answer_of(&site, sql, Vec::new()), &DataType::Utf8).unwrap();
        assert_eq!(column.as_string::<i32>().value(0), said);
    }
}

#[test]
fn the_number_of_plans_is_bounded() {
    let site = Site::sample();
    for number in 0..130 {
        site.csv(&format!("SELECT {number}"));
    }
    assert_eq!(kept(&site), 128);
}

#[test]
fn what_takes_much_room_is_not_kept() {
    let site = Site::sample();
    let long = format!("SELECT '{}'", "x".repeat(5_000));
    assert!(site.csv(&long).contains("xxx"));
    assert!(site.csv("SELECT repeat('x', 200000)").contains("xxx"));
    assert_eq!(kept(&site), 0);
}

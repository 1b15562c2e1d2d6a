//! Whatever would write is refused, and faults say where and what to do.

use super::*;
use crate::fault::Place;

#[test]
fn nothing_can_be_written() {
    let site = Site::sample();
    for sql in [
        "INSERT INTO readings VALUES (1)",
        "INSERT INTO readings SELECT * FROM readings",
        "UPDATE readings SET number = 1",
        "DELETE FROM readings",
        "TRUNCATE readings",
        "DROP TABLE readings",
        "DROP SCHEMA site CASCADE",
        "CREATE TABLE x AS SELECT 1",
        "CREATE VIEW x AS SELECT 1",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "CREATE DATABASE x",
        "ALTER TABLE readings ADD COLUMN x INT",
        "COPY readings TO '/tmp/x.csv'",
        "COPY (SELECT 1) TO '/tmp/x.parquet' STORED AS PARQUET",
        "SET datafusion.execution.batch_size = 1",
        "RESET datafusion.execution.batch_size",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "BEGIN",
        "COMMIT",
        "EXPLAIN INSERT INTO readings SELECT * FROM readings",
        "EXPLAIN ANALYZE INSERT INTO readings SELECT * FROM readings",
        "EXPLAIN COPY readings TO '/tmp/x.csv'",
        "GRANT SELECT ON readings TO x",
        "USE other",
        "KILL 1",
    ] {
        let fault = site.answer(sql, Format::Csv).unwrap_err();
        assert_eq!(fault.code, Code::ReadOnly, "{sql}: {fault:?}");
    }
}

#[test]
fn no_file_and_no_second_statement_is_reached() {
    let site = Site::sample();
    for sql in [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM parquet_metadata('/tmp/x')",
        "SELECT 1; DROP TABLE readings",
        "WITH x AS (DELETE FROM readings) SELECT * FROM x",
        "SELECT * INTO x FROM readings",
        "",
        " ; ",
    ] {
        let fault = site.answer(sql, Format::Csv).unwrap_err();
        assert!(
            matches!(fault.code, Code::Invalid | Code::NoTable | Code::NoColumn | Code::ReadOnly),
            "{sql}: {fault:?}"
        );
    }
}

#[test]
fn faults_say_where_and_offer_the_nearest_name() {
    let site = Site::sample();
    let fault = |sql| site.answer(sql, Format::Csv).unwrap_err();
    let table = fault("SELECT * FROM redings");
    assert_eq!(table.message, "There is no table \"redings\".");
    assert_eq!(table.hint, "Did you mean \"readings\"? SHOW TABLES lists all.");
    let column = fault("SELECT\n  temprature FROM node");
    assert_eq!(column.message, "There is no column \"temprature\".");
    assert_eq!(column.hint, "Did you mean \"temperature\"?");
    assert_eq!(column.place, Some(Place { line: 2, column: 3 }));
    let syntax = fault("SELECT 1\nFORM readings WHERE");
    assert_eq!(syntax.code, Code::Invalid);
    assert_eq!(syntax.place.map(|place| place.line), Some(2));
}

/// What is parsed in a loop becomes a deep tree: it is run, or refused, and never takes the stack.
#[test]
fn long_chains_are_run_or_refused() {
    let site = Site::sample();
    let sum = format!("SELECT {}1 AS n", "1 + ".repeat(480));
    assert_eq!(site.csv(&sum), "n\n481\n");
    let union =
        format!("SELECT count(*) AS n FROM ({}SELECT 1)", "SELECT 1 UNION ALL ".repeat(200));
    assert_eq!(site.csv(&union), "n\n201\n");
    for count in [1_000, 30_000] {
        let sum = format!("SELECT {}1 AS n", "1 + ".repeat(count));
        assert!(site.csv(&sum).starts_with("invalid: The statement has too many"), "{count}");
    }
}

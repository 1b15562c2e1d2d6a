use std::time::{Duration, SystemTime};

use query::Limits;
use tokio_postgres::error::SqlState;

use crate::site::{START, client, connect, rows, serve};

/// Takes hours, and looks up all the time.
const ENDLESS: &str =
    "SELECT count(*) FROM generate_series(1, 1000000000000) AS t(n) WHERE n % 7 = 3";

#[tokio::test]
async fn rows_come_as_text() {
    let client = client().await;
    let sql = "SELECT device, signal, time, number, text FROM readings ORDER BY device, signal";
    assert_eq!(
        rows(&client, sql).await,
        [
            ["farm/north", "door", "2026-11-01 00:00:00.000000+00", "NULL", "open"],
            ["farm/north", "temperature", "2026-11-01 00:00:00.000000+00", "20.5", "NULL"],
            ["farm/south", "temperature", "2026-11-01 00:01:00.000000+00", "-3.0", "NULL"],
        ]
    );
}

#[tokio::test]
async fn parameters_have_the_types_of_what_they_are_compared_with() {
    let client = client().await;
    let sql = "SELECT number FROM readings WHERE device = $1 AND time >= $2 AND number > $3";
    let start = SystemTime::UNIX_EPOCH + Duration::from_millis(START.unsigned_abs());
    for (device, found) in [("farm/north", vec![20.5]), ("farm/south", vec![]), ("no", vec![])] {
        let answer = client.query(sql, &[&device, &start, &0.5]).await.unwrap();
        let numbers: Vec<f64> = answer.iter().map(|row| row.get(0)).collect();
        assert_eq!(numbers, found, "{device}");
    }
}

#[tokio::test]
async fn rows_come_in_binary() {
    let client = client().await;
    let sql = "SELECT device, time, number, count(*) OVER () FROM readings \
               WHERE signal = 'temperature' ORDER BY time";
    let answer = client.query(sql, &[]).await.unwrap();
    let start = SystemTime::UNIX_EPOCH + Duration::from_millis(START.unsigned_abs());
    let row: (&str, SystemTime, f64, i64) =
        (answer[0].get(0), answer[0].get(1), answer[0].get(2), answer[0].get(3));
    assert_eq!(row, ("farm/north", start, 20.5, 2));
}

#[tokio::test]
async fn a_statement_that_writes_is_refused() {
    let client = client().await;
    for sql in [
        "DELETE FROM readings",
        "INSERT INTO readings VALUES (1)",
        "CREATE TABLE t (a int)",
        "DROP TABLE readings",
        "COPY readings TO '/tmp/x'",
    ] {
        let fault = client.simple_query(sql).await.unwrap_err();
        assert_eq!(fault.code(), Some(&SqlState::READ_ONLY_SQL_TRANSACTION), "{sql}");
        let fault = client.prepare(sql).await.unwrap_err();
        assert_eq!(fault.code(), Some(&SqlState::READ_ONLY_SQL_TRANSACTION), "{sql}");
    }
}

#[tokio::test]
async fn faults_say_what_where_and_what_to_do() {
    let client = client().await;
    let fault = client.simple_query("SELECT *\nFROM reading").await.unwrap_err();
    let told = fault.as_db_error().unwrap();
    assert_eq!(told.code(), &SqlState::UNDEFINED_TABLE);
    assert_eq!(told.message(), "There is no table \"reading\".");
    assert!(told.hint().unwrap().starts_with("Did you mean \"readings\"?"));
    let fault = client.simple_query("SELECT devise FROM readings").await.unwrap_err();
    let told = fault.as_db_error().unwrap();
    assert_eq!(told.code(), &SqlState::UNDEFINED_COLUMN);
    assert_eq!(told.hint(), Some("Did you mean \"device\"?"));
    let fault = client.simple_query("SELEC 1").await.unwrap_err();
    assert_eq!(fault.code(), Some(&SqlState::SYNTAX_ERROR));
}

#[tokio::test]
async fn several_statements_come_in_one_text() {
    let client = client().await;
    let sql = "BEGIN; SELECT 1; SET search_path TO public; SHOW search_path; COMMIT";
    assert_eq!(rows(&client, sql).await, [["1"], ["public"]]);
    assert_eq!(rows(&client, ";;").await, Vec::<Vec<String>>::new());
}

#[tokio::test]
async fn a_transaction_that_failed_takes_only_its_end() {
    let client = client().await;
    client.simple_query("BEGIN").await.unwrap();
    client.simple_query("SELECT nothing").await.unwrap_err();
    let fault = client.simple_query("SELECT 1").await.unwrap_err();
    assert_eq!(fault.code(), Some(&SqlState::IN_FAILED_SQL_TRANSACTION));
    client.simple_query("ROLLBACK").await.unwrap();
    assert_eq!(rows(&client, "SELECT 1").await, [["1"]]);
}

#[tokio::test]
async fn settings_are_of_one_connection() {
    let port = serve(Limits::default()).await;
    let (one, other) = (connect(port).await, connect(port).await);
    one.simple_query("SET TIME ZONE 'Europe/Berlin'").await.unwrap();
    assert_eq!(rows(&one, "SHOW timezone").await, [["Europe/Berlin"]]);
    assert_eq!(rows(&other, "SHOW TIME ZONE").await, [["UTC"]]);
    let fault = one.simple_query("SHOW no_such_setting").await.unwrap_err();
    assert_eq!(fault.code(), Some(&SqlState::UNDEFINED_OBJECT));
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_stopped() {
    let limits = Limits { time: Duration::from_millis(500), ..Limits::default() };
    let client = connect(serve(limits).await).await;
    let fault = client.simple_query(ENDLESS).await.unwrap_err();
    assert_eq!(fault.code(), Some(&SqlState::QUERY_CANCELED));
    assert_eq!(rows(&client, "SELECT 1").await, [["1"]], "the connection goes on");
}

#[tokio::test]
async fn a_client_can_cancel_what_it_asked() {
    let client = client().await;
    let token = client.cancel_token();
    let cancel = async {
        // What has not begun cannot be cancelled, so it is asked for until it ends.
        loop {
            token.cancel_query(tokio_postgres::NoTls).await.unwrap();
        }
    };
    let outcome = tokio::select! {
        outcome = client.simple_query(ENDLESS) => outcome,
        () = cancel => unreachable!("it goes on for ever"),
    };
    assert_eq!(outcome.unwrap_err().code(), Some(&SqlState::QUERY_CANCELED));
    assert_eq!(rows(&client, "SELECT 1").await, [["1"]]);
}

#[tokio::test]
async fn a_chain_that_is_too_long_is_refused_and_the_site_lives() {
    let client = client().await;
    let sql = format!("SELECT {}1", "1 + ".repeat(5_000));
    let fault = client.simple_query(&sql).await.unwrap_err();
    assert_eq!(fault.code(), Some(&SqlState::SYNTAX_ERROR));
    client.prepare(&sql).await.unwrap_err();
    assert_eq!(rows(&client, "SELECT 1").await, [["1"]]);
}

/// Each has its place after the other.
#[tokio::test]
async fn many_statements_in_one_text_do_not_stand_in_each_others_way() {
    let client = client().await;
    // More rows than wait between a statement and its reader, and more statements than run at once.
    let sql = "SELECT * FROM generate_series(1, 40000); ".repeat(10);
    assert_eq!(rows(&client, &sql).await.len(), 400_000);
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_its_connection_only() {
    let port = serve(Limits::default()).await;
    let (one, other) = (connect(port).await, connect(port).await);
    let fault = one.simple_query(&" ".repeat(5 << 20)).await.unwrap_err();
    assert_eq!(fault.code(), Some(&SqlState::PROGRAM_LIMIT_EXCEEDED));
    assert_eq!(rows(&other, "SELECT 1").await, [["1"]]);
}

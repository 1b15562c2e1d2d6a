//! What programs ask of the catalog, as they send it.

use crate::site::{client, rows};

/// The statements of a recording, which are parted by lines of `----`.
fn recorded(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n----\n").map(str::trim).filter(|sql| !sql.is_empty())
}

#[tokio::test]
async fn grafana_finds_tables_and_columns() {
    let client = client().await;
    let mut answers = Vec::new();
    for sql in recorded(include_str!("recorded/grafana.sql")) {
        answers.push(rows(&client, sql).await);
    }
    let first = |answer: &Vec<Vec<String>>| -> Vec<String> {
        answer.iter().map(|row| row[0].clone()).collect()
    };
    assert_eq!(
        first(&answers[0]),
        [
            "completeness",
            "devices",
            "hours",
            "labels",
            "latest",
            "messages",
            "node",
            "readings",
            "signals",
        ]
        .map(|table| format!("public.{table}"))
    );
    let mut columns = first(&answers[1]);
    columns.sort();
    assert_eq!(columns, ["device", "number", "quality", "signal", "text", "time"]);
    assert_eq!(answers[2], [["2026-11-01 00:00:00.000000+00", "20.5"]]);
}

#[tokio::test]
async fn psql_lists_and_describes_tables() {
    let client = client().await;
    for sql in recorded(include_str!("recorded/psql.sql")) {
        let answer = rows(&client, sql).await;
        assert!(!answer.is_empty(), "{sql}");
    }
}

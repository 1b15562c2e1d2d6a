//! One world: a heading, a table, a chart and the data beside it say the same.

use axum::http::StatusCode;
use serde_json::Value;

use crate::client::{console, get, post};
use crate::markup;

async fn cell(path: &str, name: &str) -> Vec<String> {
    let elements = markup::read(get(&console(), path).await.text());
    let mut texts = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        if element.get("data-cell") == Some(name) {
            texts.push(elements[index + 1].text.clone());
        }
    }
    texts
}

#[tokio::test]
async fn a_heading_a_table_and_a_list_say_the_same() {
    let heading = cell("/devices/greenhouse/2/air", "greenhouse/2/air#temperature").await;
    let list = cell("/devices?text=greenhouse/2/air", "greenhouse/2/air#temperature").await;
    assert_eq!(heading.len(), 2, "the chart's heading and the table of last values");
    assert_eq!(list.len(), 1);
    assert!(heading.iter().chain(&list).all(|text| *text == heading[0]), "{heading:?} {list:?}");
    let json = get(&console(), "/devices/greenhouse/2/air.json?range=12h").await;
    let data: Value = serde_json::from_slice(&json.body).unwrap();
    let last = data["signals"][0]["points"].as_array().unwrap().last().unwrap()["last"].to_string();
    assert_eq!(heading[0], format!("{last}\u{a0}°C"));
}

#[tokio::test]
async fn a_list_is_data_at_its_own_address() {
    let json = get(&console(), "/devices.json?type=mast").await;
    let rows: Value = serde_json::from_slice(&json.body).unwrap();
    assert_eq!(rows[0]["device"], "weather/mast");
    assert_eq!(rows[0]["status"], "reporting");
    let csv = get(&console(), "/devices.csv?status=silent").await;
    let lines: Vec<&str> = csv.text().trim_end().split("\r\n").collect();
    assert_eq!(lines[0], "device,type,status,last_heard,signal,value,unit");
    assert_eq!(lines.len(), 3, "two devices of this world are silent");
}

#[tokio::test]
async fn a_statement_has_an_address_and_its_answer_too() {
    let form = "q=SELECT+*+FROM+latest";
    let answer = post(&console(), "/sql", form, "http://althing.local").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let address = answer.header("location").to_owned();
    assert_eq!(address, "/sql?q=SELECT%20%2A%20FROM%20latest");
    let page = get(&console(), &address).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text().contains("<table>"));
    for ending in ["csv", "json", "parquet"] {
        let at = address.replace("/sql?", &format!("/sql.{ending}?"));
        let data = get(&console(), &at).await;
        let all = format!("/api/sql?format={ending}&q=SELECT%20%2A%20FROM%20latest");
        assert_eq!(data.header("location"), all, "the API gives all rows");
        assert!(page.text().contains(&all.replace('&', "&#38;")), "{ending}");
    }
    let refused = get(&console(), "/sql?q=DROP%20TABLE%20readings").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_answer_with_times_and_numbers_is_a_chart_too() {
    let rows = get(&console(), "/sql?q=SELECT%20%2A%20FROM%20air").await;
    assert!(rows.text().contains("show=chart") && !rows.text().contains("uPlot"));
    let chart = get(&console(), "/sql?q=SELECT%20%2A%20FROM%20air&show=chart").await;
    assert!(chart.text().contains("role=\"img\"") && chart.text().contains("uPlot"));
    assert!(!chart.text().contains("<table>"), "the chart stands where the rows were");
}

#[tokio::test]
async fn a_plan_is_text_and_the_statement_stays_as_it_was() {
    let form = "q=SELECT+*+FROM+latest&explain=1";
    let answer = post(&console(), "/sql", form, "http://althing.local").await;
    let address = answer.header("location").to_owned();
    assert_eq!(address, "/sql?q=SELECT%20%2A%20FROM%20latest&explain=1");
    let page = get(&console(), &address).await;
    assert!(page.text().contains("TableScan: latest &lt;b&gt;"), "escaped like any text");
    assert!(page.text().contains("\nSELECT * FROM latest</textarea>"));
}

#[tokio::test]
async fn a_long_statement_is_answered_without_an_address() {
    let form = format!("q=SELECT+*+FROM+latest+--+{}", "x".repeat(3_000));
    let answer = post(&console(), "/sql", &form, "http://althing.local").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(!answer.text().contains("/sql.csv"));
    let form = format!("q=SELECT+{}", "x".repeat(70_000));
    let answer = post(&console(), "/sql", &form, "http://althing.local").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

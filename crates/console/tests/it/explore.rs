//! Explore: a choice is an address, and its chart, its table and its data agree.

use std::sync::Arc;

use axum::http::StatusCode;

use crate::client::{console, get};
use crate::markup::{self, Element};
use crate::world::{HOSTILE, World};

fn texts<'a>(elements: &'a [Element], within: &str, name: &str) -> Vec<&'a str> {
    let wanted = |one: &&Element| one.name == name && one.within.iter().any(|up| up == within);
    elements.iter().filter(wanted).map(|one| one.text.as_str()).collect()
}

fn links(html: &str, part: &str) -> Vec<String> {
    let elements = markup::read(html);
    let hrefs = elements.iter().filter_map(|one| one.get("href"));
    let found = hrefs.filter(|href| href.contains(part));
    found.map(|href| href.replace("&#38;", "&").replace("&amp;", "&")).collect()
}

fn figures(html: &str) -> Vec<String> {
    let elements = markup::read(html);
    let plots = elements.iter().filter(|one| one.get("role") == Some("img"));
    plots.filter_map(|plot| plot.get("aria-label").map(str::to_owned)).collect()
}

fn bare(text: &str) -> String {
    text.replace(['\u{2068}', '\u{2069}'], "").replace('\u{a0}', " ")
}

#[tokio::test]
async fn devices_are_compared_in_one_chart_for_each_unit() {
    let path = "/explore?signal=temperature&signal=humidity\
                &device=greenhouse/1/air&device=greenhouse/2/air&device=weather/mast";
    let page = get(&console(), &path.replace("/1/", "%2F1%2F").replace("/2/", "%2F2%2F")).await;
    assert_eq!(page.status, StatusCode::OK);
    let said = figures(page.text());
    assert_eq!(said.len(), 2, "°C and %: {said:?}");
    assert!(bare(&said[0]).starts_with("Temperature: 3 lines, between "), "{said:?}");
    let elements = markup::read(page.text());
    assert_eq!(texts(&elements, "ul", "i"), ["A", "B", "C", "A", "B", "C"]);
}

#[tokio::test]
async fn a_form_leads_to_the_address_that_one_shares() {
    let form = "/explore?range=12h&as=mean&every=auto&compare=nothing&from=&to=&signal=temperature\
                &device=weather%2Fmast&find-signal=&find-device=";
    let page = get(&console(), form).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let to = page.header("location").to_owned();
    assert_eq!(to, "/explore?signal=temperature&device=weather%2Fmast&as=mean");
    assert_eq!(get(&console(), &to).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_table_the_chart_and_the_data_are_of_one_statement() {
    let path = "/explore?signal=temperature&device=weather%2Fmast&every=1h&as=band&compare=day";
    let chart = get(&console(), path).await;
    let sql = links(chart.text(), "/sql?q=");
    let csv = get(&console(), &path.replace("/explore?", "/explore.csv?")).await;
    assert_eq!(csv.status, StatusCode::SEE_OTHER);
    let (shown, loaded) = (&sql[0], csv.header("location"));
    assert!(loaded.starts_with("/api/sql?format=csv&q=SELECT"), "{loaded}");
    assert_eq!(shown.split("q=").nth(1), loaded.split("q=").nth(1));

    let table = get(&console(), &format!("{path}&show=table")).await;
    let elements = markup::read(table.text());
    // Thirteen hours touch twelve, and the day before as many; and the summary of two lines.
    assert_eq!(texts(&elements, "tbody", "tr").len(), 13 + 13 + 2);
    assert!(!table.text().contains("uPlot"), "a table needs no script for charts");
    assert!(links(table.text(), "/explore?").contains(&path.to_owned()), "the chart is a link");
}

#[tokio::test]
async fn limits_and_what_is_not_there_are_told_in_sentences() {
    let router = console();
    for (path, sentence) in [
        ("/explore?signal=temperature", "No device was chosen"),
        ("/explore?device=weather%2Fmast", "No signal was chosen"),
        ("/explore?signal=flow&device=weather%2Fmast", "None of these devices"),
        ("/explore?signal=temperature&from=never", "The time is not clear"),
        ("/explore?signal=temperature&from=2026-11-22&to=2026-11-21", "ends before it begins"),
        ("/explore?signal=temperature&range=1y&every=1min&as=mean", "buckets of"),
        ("/explore?signal=temperature&range=30d&as=all", "Draw a line"),
        ("/explore?signal=temperature&from=2020-01-01&to=2020-02-01", "No reading in this time"),
        (
            "/explore?signal=temperature&device=1&device=2&device=3&device=4&device=5&device=6&device=7",
            "were compared at once",
        ),
    ] {
        let page = get(&router, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let sentence = sentence.replace("were compared", "are compared");
        assert!(page.text().contains(&sentence), "{path}: no {sentence}");
        markup::read(page.text());
    }
}

#[tokio::test]
async fn names_are_found_while_one_types_and_their_number_is_bounded() {
    let router = console();
    let all = get(&router, "/explore/choices").await;
    assert_eq!(all.text().matches("type=\"checkbox\"").count(), 24);
    let found = get(&router, "/explore/choices?device=meters%2Fmain&find-device=MAST").await;
    let kept = ["value=\"meters/main\" checked", "value=\"weather/mast\""];
    assert!(kept.iter().all(|part| found.text().contains(part)), "{}", found.text());
    assert!(!found.text().contains("greenhouse"), "{}", found.text());
    let page = get(&router, "/explore?find-device=MAST").await;
    assert!(page.text().contains("value=\"MAST\""), "without a script the field keeps its text");
}

#[tokio::test]
async fn a_site_without_devices_says_what_it_waits_for() {
    let router = console::router(Arc::new(World::still().empty()));
    let page = get(&router, "/explore").await;
    assert!(page.text().contains("mqtt://127.0.0.1:1883"));
    let chosen = get(&router, "/explore?signal=temperature").await;
    assert!(chosen.text().contains("None of these devices"));
}

#[tokio::test]
async fn a_hostile_device_is_compared_like_any_other() {
    let router = console::router(Arc::new(World::still().hostile()));
    for name in HOSTILE {
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for show in ["", "&show=table"] {
            let path = format!("/explore?signal=temperature&device={encoded}{show}");
            let page = get(&router, &path).await;
            let page = match page.status {
                StatusCode::SEE_OTHER => get(&router, page.header("location")).await,
                _ => page,
            };
            assert_eq!(page.status, StatusCode::OK, "{name}");
            crate::hostile::check(page.text());
            let statement = &links(page.text(), "/sql?q=")[0];
            let quoted =
                statement.contains(&format!("%27{}%27", spelled(&name.replace('\'', "''"))));
            assert!(quoted, "{statement}");
        }
    }
}

/// As the console writes it in an address.
fn spelled(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

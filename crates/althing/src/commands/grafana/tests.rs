use std::fs;

use super::{DASHBOARDS, provision};
use crate::cli::ProvisionArgs;
use crate::commands::Context;
use crate::config::Config;

/// The statements of a dashboard, as Grafana sends them: with its own words replaced.
fn statements(json: &str) -> Vec<String> {
    let board: serde_json::Value = serde_json::from_str(json).unwrap();
    let panels = board["panels"].as_array().unwrap().iter();
    let variables = board["templating"]["list"].as_array().unwrap().iter();
    let asked = panels.map(|panel| &panel["targets"][0]["rawSql"]);
    let asked = asked.chain(variables.map(|variable| &variable["query"]));
    let between = "time BETWEEN '2026-11-01T00:00:00Z' AND '2026-11-02T00:00:00Z'";
    let sent = |sql: &serde_json::Value| {
        sql.as_str()
            .unwrap()
            .replace("$__timeFilter(time)", between)
            .replace("$__interval_ms", "60000")
            .replace("$device", "farm/barn1")
            .replace("$signal", "'temperature','humidity'")
    };
    asked.map(sent).collect()
}

#[test]
fn a_folder_gets_all_that_grafana_reads() {
    let folder = tempfile::tempdir().unwrap();
    let mut out = Vec::new();
    let config = Config::default();
    let mut context = Context { config: &config, json: false, out: &mut out };
    let args = ProvisionArgs { folder: Some(folder.path().to_owned()), postgres: None };
    provision(&mut context, &args).unwrap();
    let source = fs::read_to_string(folder.path().join("datasources/althing.yaml")).unwrap();
    assert!(source.contains("url: 127.0.0.1:5432\n"), "{source}");
    let provider = fs::read_to_string(folder.path().join("dashboards/althing.yaml")).unwrap();
    let boards = folder.path().join("dashboards/althing");
    assert!(provider.contains(&boards.display().to_string()), "{provider}");
    assert_eq!(fs::read_dir(boards).unwrap().count(), DASHBOARDS.len());
}

#[test]
fn a_site_without_that_door_has_no_data_source() {
    let mut config = Config::default();
    config.postgres.address = "off".parse().unwrap();
    let mut out = Vec::new();
    let mut context = Context { config: &config, json: false, out: &mut out };
    let args = ProvisionArgs { folder: None, postgres: None };
    provision(&mut context, &args).unwrap_err();
}

/// Each panel has a statement that a site plans and runs.
#[tokio::test]
async fn every_panel_asks_what_a_site_answers() {
    let engine = crate::commands::testing::empty_engine();
    for (name, json) in DASHBOARDS {
        let statements = statements(json);
        assert!(statements.len() >= 3, "{name}");
        for sql in statements {
            let mut commands = query::postgres::parse(&sql).unwrap();
            let Some(query::postgres::Command::Read(statement)) = commands.pop() else {
                panic!("{sql}");
            };
            let prepared = engine.prepare(statement).await;
            let prepared = prepared.unwrap_or_else(|fault| panic!("{name}: {sql}\n{fault:?}"));
            let values = query::ParamValues::List(Vec::new());
            let mut answer = engine.run_prepared(&prepared, values).await.unwrap();
            while answer.next().await.unwrap().is_some() {}
        }
    }
}

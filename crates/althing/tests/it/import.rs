//! Files of other programs into a site that runs, and out of it again.

use std::path::Path;
use std::process::Command;

use super::site::Running;

/// Answer of a command that has to succeed.
fn althing(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_althing"));
    let output = command.args(args).current_dir(folder).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(folder: &Path, args: &[&str]) -> serde_json::Value {
    serde_json::from_str(&althing(folder, &[&["--json"], args].concat())).unwrap()
}

const ALL: &str = "SELECT time, device, signal, number, text, quality FROM readings \
    ORDER BY device, signal, time";

/// Names, texts and numbers that a careless way would change.
const TABLE: &str = "time,device,signal,value,unit
2024-05-04T10:00:00.123Z,farm/barn 1,temperature,21.5,°C
2024-05-04T10:00:00.124Z,farm/barn 1,temperature,-1e-7,°C
2024-05-04T10:00:00.123Z,farm/barn 1,serial,0012,
2024-05-04T10:00:00.123Z,ünit:7,\"a \"\"quoted\"\" name\",\"two
lines, a comma\",
2024-05-04T10:00:00.123Z,ünit:7,on,on,
2024-05-04T10:00:00.123Z,ünit:7,big,1e300,
";

#[test]
fn what_a_site_writes_out_another_takes_in_to_the_letter() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("a.csv"), TABLE).unwrap();
    let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // Nobody may connect by MQTT, which an import does not do.
    let site = Running::start_with(data.path(), &[]);
    let told = json(folder, &["import", "csv", "a.csv", "--dry-run", "--http", &site.http]);
    assert_eq!((&told["readings"], &told["devices"]), (&6.into(), &2.into()), "{told}");
    assert_eq!(site.sql("SELECT count(*) AS n FROM readings"), "[{\"n\":0}]\n");
    for _ in 0..2 {
        // The second time everything is there already, and stays one.
        let told = json(folder, &["import", "csv", "a.csv", "--http", &site.http]);
        assert_eq!((&told["readings"], &told["renamed"]), (&6.into(), &0.into()), "{told}");
    }
    let all = site.sql(ALL);
    assert_eq!(all.matches("\"time\"").count(), 6, "{all}");
    assert!(site.sql("SELECT unit FROM signals WHERE signal = 'temperature'").contains("Cel"));

    let copy = Running::start_with(other.path(), &[]);
    for (flag, file, kind) in [("--csv", "b.csv", "csv"), ("--parquet", "b.parquet", "parquet")] {
        althing(folder, &["sql", flag, "--out", file, "--http", &site.http, ALL]);
        let prefix = format!("{kind}/");
        let flags = ["--http", &copy.http, "--prefix", &prefix];
        let told = json(folder, &[&["import", kind, file], &flags[..]].concat());
        assert_eq!((&told["readings"], &told["left_out"]), (&6.into(), &serde_json::json!([])));
        let under = format!("WHERE device LIKE '{prefix}%' ORDER BY");
        let seen = copy.sql(&ALL.replace("ORDER BY", &under)).replace(&prefix, "");
        assert_eq!(seen, all, "{kind}");
    }
    assert_eq!((site.stop(), copy.stop()), (Some(0), Some(0)));
}

#[test]
fn points_of_a_dump_go_the_way_of_points_that_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let dump = "# DML\n# CONTEXT-DATABASE:farm\n\
        weather,station=nord t=21.5 1714816800000000000\nno point\n";
    std::fs::write(folder.path().join("dump.lp"), dump).unwrap();
    let data = tempfile::tempdir().unwrap();
    let site = Running::start_with(data.path(), &[]);
    let told = json(folder.path(), &["import", "line-protocol", "dump.lp", "--http", &site.http]);
    assert_eq!((&told["readings"], &told["rows"]), (&1.into(), &2.into()), "{told}");
    let expected = r#"[{"device":"nord","signal":"weather.t","number":21.5}]"#;
    assert_eq!(site.sql("SELECT device, signal, number FROM readings").trim(), expected);
    assert!(site.sql("SELECT topic FROM messages").contains("influx/farm"));
    assert_eq!(site.stop(), Some(0));
}

#[test]
fn a_site_says_whether_this_version_goes_on_with_it() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("a.csv"), TABLE).unwrap();
    let site = Running::start_with(data.path(), &[]);
    althing(folder.path(), &["import", "csv", "a.csv", "--http", &site.http]);
    let place = data.path().to_str().unwrap();
    let told = json(folder.path(), &["upgrade-check", place]);
    assert_eq!((&told["opens"], &told["changes"]), (&true.into(), &false.into()), "{told}");
    assert_eq!(site.stop(), Some(0));
    let told = json(folder.path(), &["upgrade-check", place]);
    let whats: Vec<&str> =
        told["formats"].as_array().unwrap().iter().map(|it| it["what"].as_str().unwrap()).collect();
    assert!(whats.contains(&"journal") && whats.contains(&"registry"), "{told}");
    althing(folder.path(), &["backup", "copy", "--data", place]);
    let told = json(folder.path(), &["upgrade-check", "copy"]);
    assert_eq!(told["opens"], true, "{told}");
    assert!(told["formats"].as_array().unwrap().iter().any(|it| it["what"] == "backup"), "{told}");
}

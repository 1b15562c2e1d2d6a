//! Exit codes and complaints of the real program.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

/// Runs in a folder of its own, with an environment that holds nothing of ours.
fn althing(folder: &Path, environment: &[(&str, &str)], args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_althing"));
    command.env_clear().envs(environment.iter().copied()).current_dir(folder).args(args);
    command.output().unwrap()
}

fn ended(output: &Output) -> (i32, String) {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    (output.status.code().unwrap(), text)
}

/// An address that nobody listens on: it was free a moment ago.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn commands_that_need_a_server_are_unreachable_without_one() {
    let (folder, nobody) = (tempfile::tempdir().unwrap(), nobody());
    let lines: [&[&str]; 6] = [
        &["sql", "--http", &nobody, "SELECT 1"],
        &["top", "--once", "--http", &nobody],
        &["tail", "--mqtt", &nobody, "#"],
        &["pub", "--mqtt", &nobody, "a", "1"],
        &["replay", "--mqtt", &nobody, "--topic", "t", "a.csv"],
        &["import", "csv", "--http", &nobody, "a.csv"],
    ];
    std::fs::write(folder.path().join("a.csv"), "time,a\n2024-05-04T10:00:00Z,1\n").unwrap();
    for args in lines {
        let (code, text) = ended(&althing(folder.path(), &[], args));
        assert_eq!(code, 4, "{args:?}: {text}");
        assert!(text.contains("where:") && text.contains("next:"), "{args:?}: {text}");
        assert!(text.contains(&nobody), "{args:?}: {text}");
    }
}

#[test]
fn wrong_use_is_told_before_anything_happens() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(ended(&althing(folder.path(), &[], &["fly"])).0, 2);
    let mistyped = [("ALTHING_MQTT__ADRESS", "127.0.0.1:1")];
    let (code, text) = ended(&althing(folder.path(), &mistyped, &["serve"]));
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("did you mean mqtt.address?"), "{text}");
    let open = ["serve", "--anonymous", "--mqtt", "0.0.0.0:0"];
    let (code, text) = ended(&althing(folder.path(), &[], &open));
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("only loopback addresses are served"), "{text}");
    let missing = ["--config", "no.toml", "config", "show"];
    assert_eq!(ended(&althing(folder.path(), &[], &missing)).0, 2);
    let nothing = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(nothing, 0, "no data directory was made");
}

#[test]
fn a_file_that_is_not_there_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) =
        ended(&althing(folder.path(), &[], &["--json", "replay", "--topic", "t", "no.csv"]));
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, told["exit"].as_i64()), (3, Some(3)), "{text}");
}

#[test]
fn files_that_do_not_fit_an_import_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.csv"), "when,a\nnoon,1\n").unwrap();
    std::fs::write(folder.path().join("custom.dump"), "PGDMP\u{1}").unwrap();
    let cases: [(&[&str], i32, &str); 5] = [
        (&["csv", "no.csv"], 3, "no.csv cannot be read"),
        (&["csv", "a.csv"], 2, "there is no column \"time\"; the file has when, a"),
        (&["csv", "a.csv", "--time", "when", "--timezone", "Moon"], 2, "is no time zone"),
        (&["thingsboard", "custom.dump"], 2, "--format=plain"),
        (&["home-assistant", "a.csv"], 1, "is no readable SQLite database"),
    ];
    for (args, wanted, told) in cases {
        let args = [&["import"], args, &["--dry-run"]].concat();
        let (code, text) = ended(&althing(folder.path(), &[], &args));
        assert_eq!(code, wanted, "{args:?}: {text}");
        assert!(text.contains(told), "{args:?}: {text}");
    }
}

#[test]
fn the_file_in_the_working_directory_counts_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("althing.toml"), "[site]\nname = 'North'\n").unwrap();
    let output = althing(folder.path(), &[], &["config", "show", "--origin"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    let line = text.lines().find(|line| line.starts_with("site.name")).unwrap();
    assert!(line.contains("\"North\"") && line.ends_with("# althing.toml:2"), "{line}");
}

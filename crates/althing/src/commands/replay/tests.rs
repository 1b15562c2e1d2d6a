//! From flags to a replay, and what is said at its end.

use clap::Parser as _;
use expect_test::expect;

use super::*;
use crate::cli::{Cli, Command};
use crate::config::Config;

fn args(line: &str) -> ReplayArgs {
    let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
    let Command::Replay(args) = cli.command else { panic!("not a replay: {line}") };
    *args
}

fn complaint(line: &str) -> Complaint {
    let config = Config::default();
    let mut out = Vec::new();
    let mut context = Context { config: &config, json: false, out: &mut out };
    run(&mut context, &args(line), &Stop::default()).unwrap_err()
}

#[test]
fn flags_that_do_not_fit_are_told_before_a_server_is_asked() {
    let told = complaint("althing replay --topic air/{x --zone UTC a.csv");
    assert_eq!((told.exit, told.next.as_str()), (Exit::Usage, "althing replay --help"));
    assert_eq!(complaint("althing replay --topic t --zone Moon a.csv").exit, Exit::Usage);
    assert_eq!(complaint("althing replay --topic t a.csv b.csv").exit, Exit::Usage);
    assert_eq!(complaint("althing replay --topic t --unit a=V a.csv").exit, Exit::Usage);
    assert_eq!(complaint("althing replay --topic t /no/such.csv").exit, Exit::NotFound);
}

#[test]
fn a_file_named_twice_is_read_once() {
    let options = options(&args("althing replay --topic t a.csv a.csv"), "127.0.0.1:1").unwrap();
    assert_eq!(options.files, [PathBuf::from("a.csv")]);
}

#[test]
fn the_end_says_what_was_done_and_what_was_not() {
    let skipped = replay::Skipped { file: "a.csv".into(), line: 3, why: "it is odd" };
    let summary = Summary {
        rows: 12,
        messages: 10,
        readings: 31,
        acknowledged: 10,
        rows_empty: 1,
        rows_skipped: 1,
        first_skipped: Some(skipped),
        millis: 1_540,
        ..Summary::default()
    };
    let config = Config::default();
    let written = |json| {
        let mut out = Vec::new();
        write(&mut Context { config: &config, json, out: &mut out }, &summary).unwrap();
        String::from_utf8(out).unwrap()
    };
    expect![[r#"
        rows          12
          without a value: 1
          not readable: 1
          first: a.csv:3: it is odd
        messages      10
        readings      31
        acknowledged  10
        seconds       1.5
    "#]]
    .assert_eq(&written(false));
    let line: serde_json::Value = serde_json::from_str(&written(true)).unwrap();
    assert_eq!(line["first_skipped"], "a.csv:3: it is odd");
    assert_eq!(line["seconds"], 1.54);
}

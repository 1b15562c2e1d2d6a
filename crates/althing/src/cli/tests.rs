//! What the command line takes and what it becomes.

use clap::CommandFactory as _;
use field::replay::Speed;

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

fn keys(flags: &[Flag]) -> Vec<(&str, &str)> {
    flags.iter().map(|flag| (flag.key, flag.value.as_str())).collect()
}

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn flags_of_serve_become_keys() {
    let cli = parse("althing serve --data /srv --mqtt 127.0.0.1:1 --shards 2 --anonymous").unwrap();
    let Command::Serve(args) = cli.command else { panic!("not serve") };
    let wanted = [
        ("data.dir", "/srv"),
        ("mqtt.address", "127.0.0.1:1"),
        ("mqtt.shards", "2"),
        ("mqtt.anonymous", "true"),
    ];
    assert_eq!(keys(&args.flags()), wanted);
}

#[test]
fn the_devices_of_the_demo_need_no_credentials() {
    let cli = parse("althing demo --http 127.0.0.1:9 --past 3h").unwrap();
    let Command::Demo(args) = cli.command else { panic!("not demo") };
    let flags = args.flags();
    assert!(keys(&flags).contains(&("http.address", "127.0.0.1:9")));
    assert!(keys(&flags).contains(&("mqtt.anonymous", "true")));
    assert_eq!(args.past.get().as_secs(), 10_800);
}

#[test]
fn lists_pairs_and_speeds_are_read() {
    let line = "althing replay --topic air/{station} --time-columns year,month,day \
                --columns PM2.5,TEMP --rename a=b,c=d --unit PM2.5=ug/m3 --as senml \
                --speed 60x a.csv b.csv.gz";
    let Command::Replay(args) = parse(line).unwrap().command else { panic!("not replay") };
    assert_eq!(args.time_columns, ["year", "month", "day"]);
    assert_eq!(args.columns, ["PM2.5", "TEMP"]);
    assert_eq!(args.rename.len(), 2);
    assert_eq!(args.unit, [("PM2.5".to_owned(), "ug/m3".to_owned())]);
    assert_eq!(args.speed, Speed::Times(60.0));
    assert_eq!(args.missing, ["NA"]);
    assert_eq!(args.files.len(), 2);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_happens() {
    for line in [
        "althing",
        "althing serve --mqtt localhost",
        "althing replay a.csv",
        "althing replay --topic t",
        "althing replay --topic t --speed 0x a.csv",
        "althing replay --topic t --speed fast a.csv",
        "althing replay --topic t --rename a a.csv",
        "althing replay --topic t --window 0 a.csv",
        "althing replay --topic t --time a --time-columns b,c,d a.csv",
        "althing pub --qos 3 t m",
        "althing tail",
        "althing sql --json --csv SELECT",
    ] {
        assert!(parse(line).is_err_and(|error| error.use_stderr()), "{line}");
    }
}

//! What is found on machines good and bad.

use std::net::TcpListener;
use std::path::Path;

use model::Timestamp;

use super::*;

#[test]
fn percentiles_are_those_of_the_nearest_rank() {
    let spans: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
    assert_eq!(disk::percentile(&spans, 50), Duration::from_millis(50));
    assert_eq!(disk::percentile(&spans, 99), Duration::from_millis(99));
    assert_eq!(disk::percentile(&[], 50), Duration::ZERO);
}

#[test]
fn fsync_is_measured_where_the_data_will_be_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let finding = disk::fsync(&folder.path().join("not/yet/there"));
    assert_ne!(finding.mark, Mark::Fail, "{finding:?}");
    assert!(finding.detail.starts_with("p50 "), "{finding:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_full_disk_fails_and_a_small_one_warns() {
    let mark = |free: u64| disk::space_of(free, Path::new("/")).mark;
    assert_eq!(mark(1 << 20), Mark::Fail);
    assert_eq!(mark(2 << 30), Mark::Warn);
    assert_eq!(mark(100 << 30), Mark::Ok);
}

#[test]
fn a_clock_before_this_program_or_behind_its_data_fails() {
    let now = Timestamp::from_millis(1_760_608_800_000);
    assert_eq!(machine::clock_at(now, None, false).mark, Mark::Ok);
    assert_eq!(machine::clock_at(now, Some(now), true).mark, Mark::Ok);
    assert_eq!(machine::clock_at(Timestamp::EPOCH, None, true).mark, Mark::Fail);
    let later = now.saturating_add(Duration::from_secs(3_600));
    assert_eq!(machine::clock_at(now, Some(later), true).mark, Mark::Fail);
}

#[test]
fn a_taken_port_fails_unless_it_is_our_own() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    assert_eq!(machine::port("port", address, false).mark, Mark::Fail);
    assert_eq!(machine::port("port", address, true).mark, Mark::Ok);
    drop(taken);
    assert_eq!(machine::port("port", address, false).mark, Mark::Ok);
}

#[test]
fn every_check_is_written_with_its_result() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.data.dir = folder.path().to_owned();
    config.mqtt.address.set_port(0);
    config.http.address.set_port(0);
    config.postgres.address = "127.0.0.1:0".parse().unwrap();
    let mut out = Vec::new();
    let mut context = Context { config: &config, json: true, out: &mut out };
    let ended = run(&mut context);
    let text = String::from_utf8(out).unwrap();
    let checks: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(checks.len(), 9, "{text}");
    let failed = checks.iter().any(|check| check["result"] == "fail");
    assert_eq!(ended.is_err(), failed, "{text}");
}

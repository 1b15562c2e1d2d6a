//! Torture notices every way of breaking the promise, and calls nobody a liar who keeps it.

use tortured::{Kills, carry, kill, kill_within, power};

#[test]
fn a_faithful_site_is_found_faithful() {
    let verdict = kill("faithful");
    assert!(verdict.is_clean(), "{verdict}");
    assert!(verdict.sampled > 0 && verdict.owed > 0, "{verdict}");
    assert!(verdict.resumed > 0 && verdict.retained > 0, "{verdict}");
}

#[test]
fn what_a_kill_loses_is_noticed() {
    let verdict = kill("forgetful");
    assert!(verdict.lost > 0 && verdict.wrong == 0, "{verdict}");
}

#[test]
fn a_value_that_is_off_by_little_is_noticed() {
    // Some of its readings come twice: sent again after a kill, exact once and inexact once.
    let verdict = kill("inexact");
    assert!(verdict.wrong > 0, "{verdict}");
}

#[test]
fn what_is_there_twice_is_noticed() {
    let verdict = kill("doubling");
    assert!(verdict.doubled > 0 && verdict.lost == 0, "{verdict}");
}

#[test]
fn an_acknowledgement_before_sql_sees_the_reading_is_noticed() {
    let verdict = kill("tardy");
    assert!(verdict.late > 0 && verdict.lost == 0, "{verdict}");
}

#[test]
fn what_never_reaches_a_subscriber_is_noticed() {
    let verdict = kill_within("undelivering", 1);
    assert!(verdict.undelivered > 0 && verdict.lost == 0, "{verdict}");
}

#[test]
fn what_reaches_a_subscriber_twice_is_noticed() {
    let verdict = kill("redelivering");
    assert!(verdict.delivered_twice > 0 && verdict.undelivered == 0, "{verdict}");
}

#[test]
fn sessions_that_end_with_the_process_are_noticed() {
    let verdict = kill_within("amnesic", 1);
    assert!(verdict.session_lost > 0 && verdict.lost == 0, "{verdict}");
}

#[test]
fn retained_messages_that_end_with_the_process_are_noticed() {
    let verdict = kill_within("unretaining", 1);
    assert!(verdict.retained_lost > 0 && verdict.undelivered == 0, "{verdict}");
}

#[test]
fn a_site_that_syncs_survives_power_cuts() {
    let Some(verdict) = power("faithful", 4) else { return };
    assert!(verdict.is_clean() && verdict.judged > 0, "{verdict}");
    assert!(verdict.owed > 0 && verdict.retained > 0 && verdict.resumed > 0, "{verdict}");
}

#[test]
fn a_site_that_does_not_sync_loses_readings_to_a_power_cut() {
    let Some(verdict) = power("unsynced", 4) else { return };
    assert!(verdict.lost > 0 && verdict.undelivered > 0, "{verdict}");
}

#[test]
fn what_is_lost_behind_a_bridge_is_noticed() {
    let verdict = carry("undelivering", Kills::One, 1);
    assert!(verdict.undelivered > 0 && verdict.wrong == 0, "{verdict}");
}

#[test]
fn what_comes_twice_behind_a_bridge_without_a_reason_is_noticed() {
    let verdict = carry("redelivering", Kills::None, 20);
    assert!(verdict.delivered_twice > 0 && verdict.undelivered == 0, "{verdict}");
}

#[test]
fn the_witnesses_of_a_bridge_find_a_faithful_site_faithful() {
    let verdict = carry("faithful", Kills::One, 20);
    assert!(verdict.is_clean() && verdict.owed > 0 && verdict.judged > 0, "{verdict}");
}

#[cfg(test)]
mod tortured {
    use std::path::PathBuf;

    use xtask::torture::{Verdict, Which, bridge, kill, power};

    fn which(way: &str) -> Which {
        Which {
            binary: Some(PathBuf::from(env!("CARGO_BIN_EXE_faithless-site"))),
            binary_args: vec![way.to_owned()],
            plain: true,
            ..Which::default()
        }
    }

    /// Nothing has to wait for all of this patience unless a test fails.
    pub(super) fn kill(way: &str) -> Verdict {
        kill_within(way, 20)
    }

    /// For sites that never send what is owed: seconds without it are seconds of the test.
    pub(super) fn kill_within(way: &str, patience: u64) -> Verdict {
        let (cycles, load) = (3, 1500);
        let plan = kill::Plan { cycles, seed: 7, devices: 4, load, patience, which: which(way) };
        let verdict = kill::run(&plan).unwrap();
        assert!(verdict.judged > 300, "too little was acknowledged: {verdict}");
        verdict
    }

    #[derive(Clone, Copy, PartialEq)]
    pub(super) enum Kills {
        /// Then no message has a reason to come again.
        None,
        One,
    }

    /// What is published comes out of the site itself: no bridge is needed to prove that its
    /// witnesses see.
    pub(super) fn carry(way: &str, kills: Kills, patience: u64) -> Verdict {
        let (cut, publishers, rate, seed) = (0, 2, 200, 1);
        let (no_kill, alone, which) = (kills == Kills::None, true, which(way));
        let plan = bridge::Plan { cut, publishers, rate, seed, no_kill, patience, alone, which };
        bridge::run(&plan).unwrap()
    }

    /// Where power cannot be cut, `cargo xtask test` says so; here there is nothing to try then.
    pub(super) fn power(way: &str, images: u64) -> Option<Verdict> {
        if !xtask::setup::power_can_be_cut() {
            return None;
        }
        xtask::setup::install(xtask::setup::POWER).unwrap();
        let plan = power::Plan {
            images,
            images_per_recording: images,
            seed: 3,
            devices: 4,
            load: 400,
            patience: 1,
            which: which(way),
        };
        Some(power::run(&plan).unwrap())
    }
}

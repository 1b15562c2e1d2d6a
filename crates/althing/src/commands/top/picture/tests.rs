//! The picture fits a small terminal, whatever clients are called.

use serde_json::json;

use super::super::snapshot::invented;
use super::*;

const METRICS: &str = "# HELP althing_ready 1\nalthing_ready 1\nalthing_uptime_seconds 100\n\
    althing_messages_received_total 1000\nalthing_acknowledged_total 500\n\
    althing_journal_position 1000\nalthing_acknowledged_position 998\n\
    althing_history_position 990\nalthing_resident_bytes 94371840\n";

#[test]
fn a_snapshot_fits_24_lines_of_80() {
    let name = format!("\u{1b}[2J{}", "x".repeat(200));
    let client = json!({ "client": name, "connected": false, "queued": 4_000_000_u64 });
    let clients: Vec<_> = (0..6).map(|_| client.clone()).collect();
    let totals = json!({ "connected": 7, "sessions": 9, "rate_in": 12.5 });
    let picture = draw(&invented(METRICS, &json!({ "clients": clients, "totals": totals })), None);
    assert!(picture.lines().count() <= 24, "{picture}");
    assert!(picture.lines().all(|line| line.chars().count() <= 80), "{picture}");
    assert!(!picture.contains('\u{1b}'), "a name moves the cursor");
    for part in ["up 100 s", "94 MB", "12.5", "acknowledged       5.0", "history -10", "(away)"] {
        assert!(picture.contains(part), "{part}: {picture}");
    }
}

#[test]
fn a_second_look_tells_what_happened_in_between() {
    let before = invented(METRICS, &json!({}));
    let later = METRICS.replace("seconds 100", "seconds 102").replace("total 1000", "total 1300");
    let picture = draw(&invented(&later, &json!({})), Some(&before));
    assert!(picture.contains("in     150.0"), "{picture}");
    assert!(picture.contains("acknowledged       0.0"), "{picture}");
}

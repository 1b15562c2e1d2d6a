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
    let picture = draw(
        &invented(METRICS, &json!({ "clients": clients, "totals": totals })),
        None,
        Screen::USUAL,
    );
    assert!(picture.lines().count() <= 24, "{picture}");
    assert!(picture.lines().all(|line| line.chars().count() <= 80), "{picture}");
    assert!(!picture.contains('\u{1b}'), "a name moves the cursor");
    for part in ["up 100 s", "94 MB", "12.5", "acknowledged        -", "history -10", "(away)"] {
        assert!(picture.contains(part), "{part}: {picture}");
    }
}

#[test]
fn a_second_look_tells_what_happened_in_between() {
    let before = invented(METRICS, &json!({}));
    let later = METRICS.replace("seconds 100", "seconds 102").replace("total 1000", "total 1300");
    let picture = draw(&invented(&later, &json!({})), Some(&before), Screen::USUAL);
    assert!(picture.contains("in    150.0"), "{picture}");
    assert!(picture.contains("acknowledged      0.0"), "{picture}");
}

#[test]
fn counters_set_back_by_a_restart_tell_no_rate() {
    let later = METRICS.replace("seconds 100", "seconds 1").replace("total 1000", "total 3");
    let picture =
        draw(&invented(&later, &json!({})), Some(&invented(METRICS, &json!({}))), Screen::USUAL);
    assert!(picture.contains("acknowledged        -"), "{picture}");
}

#[test]
fn a_full_disk_is_told_before_anything_else() {
    let full = format!("{METRICS}althing_disk_full 1\n");
    let picture = draw(&invented(&full, &json!({})), None, Screen::USUAL);
    assert!(picture.lines().next().is_some_and(|line| line.contains("DISK FULL")), "{picture}");
}

proptest::proptest! {
    #[test]
    fn no_line_is_wider_than_the_screen(columns in 1_usize..200, rows in 1_usize..60, name in ".{0,80}") {
        let clients = json!({ "clients": [{ "client": name, "rate_in": 1e9, "queued": 1e9 }] });
        let screen = Screen { columns, rows: Some(rows) };
        let picture = draw(&invented(METRICS, &clients), None, screen);
        proptest::prop_assert!(picture.lines().count() <= rows, "{}", picture);
        for line in picture.lines() {
            let width: usize = line.chars().map(|letter| unicode_width::UnicodeWidthChar::width(letter).unwrap_or(99)).sum();
            proptest::prop_assert!(width <= columns, "{} of {}: {:?}", width, columns, line);
        }
    }
}

#[test]
fn wide_letters_leave_the_columns_where_they_are() {
    let client = |name: &str| json!({ "clients": [{ "client": name, "queued": 7 }] });
    let row = |name: &str| {
        let picture = draw(&invented(METRICS, &client(name)), None, Screen::USUAL);
        picture.lines().find(|line| line.contains(name)).map(unicode_width::UnicodeWidthStr::width)
    };
    assert_eq!(row("\u{6e29}\u{5ba4}"), row("greenhouse"));
    assert!(row("greenhouse").is_some());
}

#[test]
fn a_narrow_screen_keeps_the_name_and_what_a_table_is_about() {
    let clients = json!({ "clients": [{ "client": "pump", "rate_in": 3.5, "queued": 70_001 }] });
    let screen = Screen { columns: 36, rows: None };
    let picture = draw(&invented(METRICS, &clients), None, screen);
    let rows: Vec<&str> = picture.lines().filter(|line| line.starts_with("pump")).collect();
    assert!(
        matches!(rows[..], [busy, slow] if busy.contains("3.5") && slow.contains("0 B")),
        "{picture}"
    );
}

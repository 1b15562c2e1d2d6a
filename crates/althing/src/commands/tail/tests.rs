//! What a message looks like on a line.

use super::*;

const ONCE: (Qos, bool) = (Qos::AtMostOnce, false);

#[test]
fn a_message_cannot_move_the_cursor() {
    let shown = line(false, "a/\u{9b}31m", b"21.5 \x1b[2J\n", ONCE);
    assert_eq!(shown, r"a/\u{9b}31m 21.5 \u{1b}[2J\n");
}

#[test]
fn bytes_that_are_no_text_are_shown_as_hex() {
    assert_eq!(line(false, "cam", &[0xFF, 0xD8], ONCE), "cam 2 bytes: ffd8");
    let long = line(false, "cam", &[0xFF; 100], ONCE);
    assert_eq!(long, format!("cam 100 bytes: {}…", "ff".repeat(32)));
}

#[test]
fn json_keeps_everything() {
    let text = line(true, "a", "21.5 °C".as_bytes(), (Qos::AtLeastOnce, true));
    assert_eq!(text, r#"{"payload":"21.5 °C","qos":1,"retain":true,"topic":"a"}"#);
    let bytes = line(true, "a", &[0xFF; 40], ONCE);
    assert!(bytes.contains(&"ff".repeat(40)));
}

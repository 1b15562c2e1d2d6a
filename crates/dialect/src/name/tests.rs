//! What a name becomes, and which names mean texts.

use proptest::prelude::*;

use super::*;

fn segment(text: &str) -> String {
    let mut out = String::new();
    push_segment(&mut out, text);
    out
}

#[test]
fn names_keep_their_spelling_and_lose_what_nobody_sees() {
    assert_eq!(segment("ENERGY"), "ENERGY");
    assert_eq!(segment("  soil temp / 2.5 "), "soil temp / 2.5");
    assert_eq!(segment("Tempe\u{301}rature\u{7}"), "Temp\u{e9}rature");
    assert_eq!(segment("温度\n"), "温度");
    assert_eq!(segment("a\tb"), "ab");
}

#[test]
fn long_names_are_cut_and_stay_apart() {
    let cut = |name: &str| {
        let mut out = String::new();
        (push_name(&mut out, name), out)
    };
    assert_eq!(cut("t"), (false, "t".to_owned()));
    let (first, second) =
        (cut(&format!("{}1", "é".repeat(80))), cut(&format!("{}2", "é".repeat(80))));
    assert!(first.0 && second.0);
    assert_ne!(first.1, second.1);
    assert!(first.1.len() <= NAME_BYTES_MAX && first.1.contains('~'));
}

#[test]
fn the_last_word_says_that_a_value_is_a_text() {
    for text in
        ["version", "fwVersion", "device_id", "deviceID", "SN", "status.ver", "zip-code", "devEUI"]
    {
        assert!(means_text(text), "{text}");
    }
    for number in
        ["temperature", "humid", "idle", "serial.count", "fluid", "versions", "", "decode"]
    {
        assert!(!means_text(number), "{number}");
    }
}

proptest! {
    #[test]
    fn no_name_is_too_long_or_holds_control_characters(text in any::<String>()) {
        let (segment, mut name) = (segment(&text.repeat(9)), String::new());
        push_name(&mut name, &segment);
        prop_assert!(name.len() <= NAME_BYTES_MAX);
        prop_assert!(!name.contains(char::is_control));
    }
}

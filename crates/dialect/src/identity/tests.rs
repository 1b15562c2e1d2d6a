//! What counts as a hardware address.

use super::*;

fn find(text: &str, called_so: bool) -> Option<String> {
    Hardware::find(text, called_so).map(|found| format!("{}:{}", found.kind(), found.hex()))
}

#[test]
fn addresses_in_free_text() {
    for (text, expected) in [
        ("A4:CF:12:34:56:78", "mac:a4cf12345678"),
        ("a4-cf-12-34-56-78", "mac:a4cf12345678"),
        ("pump a4:cf:12:34:56:78 (barn)", "mac:a4cf12345678"),
        ("A4CF12345678", "mac:a4cf12345678"),
        ("0x00124b0012345678", "eui64:00124b0012345678"),
        ("zigbee2mqtt_0x00124b0012345678", "eui64:00124b0012345678"),
        ("70B3D57ED0001234", "eui64:70b3d57ed0001234"),
        ("70:b3:d5:7e:d0:00:12:34", "eui64:70b3d57ed0001234"),
        ("90fd9ffffe6494fc", "eui64:90fd9ffffe6494fc"),
    ] {
        assert_eq!(find(text, false).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn what_looks_like_an_address_and_is_none() {
    for text in [
        "",
        "123456789012",
        "a4:cf:12:34:56",
        "a4:cf-12:34-56:78",
        "12:30:45",
        "0x00124b00123456789",
        "garden",
    ] {
        assert_eq!(find(text, false), None, "{text}");
    }
    assert_eq!(find("123456789012", true).as_deref(), Some("mac:123456789012"));
}

#[test]
fn an_eui64_made_of_a_mac_is_that_mac_again() {
    let folded = |hex| Hardware::from_hex(hex).unwrap().as_mac();
    assert_eq!(folded("0024BEFFFE804FF1").hex(), "0024be804ff1");
    assert_eq!(folded("0024be804ff1").hex(), "0024be804ff1");
    assert_eq!(folded("00124b0012345678").kind(), "eui64");
}

#[test]
fn member_names_ignore_punctuation_and_case() {
    assert!(same_word("Dev-EUI", "deveui"));
    assert!(same_word("serial_number", "serialnumber"));
    assert!(!same_word("serials", "serial"));
}

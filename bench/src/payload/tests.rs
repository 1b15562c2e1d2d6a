use super::Stamp;
use crate::Content;

fn filled(content: Content, sequence: u64) -> Vec<u8> {
    let mut payload = content.blank(64);
    content.fill(&mut payload, &Stamp { stream: 3, sequence, due_ns: 99 });
    payload
}

#[test]
fn a_stamp_is_read_as_it_was_written() {
    let payload = filled(Content::Stamp, 1 << 40);
    assert_eq!(payload.len(), 64);
    assert_eq!(Stamp::read(&payload), Some(Stamp { stream: 3, sequence: 1 << 40, due_ns: 99 }));
    assert!(std::str::from_utf8(&payload).is_err(), "a stamp is no text");
}

#[test]
fn a_reading_is_json_whose_values_change() {
    assert_eq!(filled(Content::Reading, 115), br#"{"t":21.5,"h":90.5}"#);
    assert_eq!(filled(Content::Reading, 899), br#"{"t":99.9,"h":99.3}"#);
    assert_eq!(Stamp::read(&filled(Content::Reading, 0)), None);
}

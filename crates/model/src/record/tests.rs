use expect_test::expect;
use proptest::prelude::*;

use super::*;

fn sample() -> Message<'static> {
    Message {
        received_at: Timestamp::from_micros(1_700_000_000_000_001),
        client: "esp32-1",
        credential: Some("barn"),
        topic: TopicName::parse("farm/barn/temp").unwrap(),
        payload: b"21.5",
        properties: &[0x01, 0x01],
        qos: Qos::AtLeastOnce,
        retain: true,
    }
}

#[test]
fn version_one_is_these_bytes() {
    let mut bytes = Vec::new();
    encode_message(&sample(), &mut bytes);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    expect!["010d07000e0004000200000001401e18240a060065737033322d316661726d2f6261726e2f74656d706261726e010132312e35"].assert_eq(&hex);
    assert_eq!(bytes.len(), message_len(&sample()));
}

#[test]
fn what_was_encoded_is_decoded() {
    let mut bytes = Vec::new();
    encode_message(&sample(), &mut bytes);
    assert_eq!(Record::decode(&bytes), Ok(Record::Message(sample())));
}

#[test]
fn a_kind_from_a_newer_version_is_named() {
    assert_eq!(Record::decode(&[9, 0]), Err(RecordFault::Kind(9)));
}

proptest! {
    #[test]
    fn any_bytes_are_a_record_or_a_fault(mut bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Some(kind) = bytes.first_mut() {
            *kind = KIND_MESSAGE;
        }
        if let Ok(Record::Message(message)) = Record::decode(&bytes) {
            let mut again = Vec::new();
            encode_message(&message, &mut again);
            prop_assert_eq!(Record::decode(&again), Ok(Record::Message(message)));
        }
    }
}

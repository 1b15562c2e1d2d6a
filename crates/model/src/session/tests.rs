use expect_test::expect;
use proptest::prelude::*;

use super::*;
use crate::TopicName;
use crate::record::Record;

fn of(event: SessionEvent<'_>) -> SessionRecord<'_> {
    SessionRecord { at: Timestamp::from_micros(1_700_000_000_000_001), client: "pump-7", event }
}

fn message() -> Message<'static> {
    Message {
        received_at: Timestamp::from_micros(5),
        client: "pump-7",
        credential: None,
        topic: TopicName::parse("pump/7/gone").unwrap(),
        payload: b"1",
        properties: &[],
        qos: Qos::AtLeastOnce,
        retain: true,
    }
}

const POSITIONS: &[[u8; 8]] = &[Positions::bytes_of(Position::new(9)), [1, 0, 0, 0, 0, 0, 0, 1]];
const IDENTIFIERS: &[[u8; 4]] = &[Identifiers::bytes_of(7), Identifiers::bytes_of(268_435_455)];

fn every_event() -> Vec<SessionEvent<'static>> {
    let options =
        Options { qos: Qos::ExactlyOnce, no_local: true, retain_as_published: true, identifier: 3 };
    vec![
        SessionEvent::Opened { expiry: 3_600 },
        SessionEvent::Resumed { expiry: EXPIRY_NEVER },
        SessionEvent::Closed { expiry: 1 },
        SessionEvent::Ended,
        SessionEvent::Subscribed { filter: "farm/+/#", options },
        SessionEvent::Unsubscribed { filter: "$share/crew/a" },
        SessionEvent::Queued {
            position: Position::new(8),
            qos: Qos::AtLeastOnce,
            retain: true,
            identifiers: Identifiers::new(IDENTIFIERS),
        },
        SessionEvent::Sent { position: Position::new(8), packet_id: 65_535 },
        SessionEvent::Received { packet_id: 2 },
        SessionEvent::Delivered { positions: Positions::new(POSITIONS) },
        SessionEvent::Held { packet_id: 4 },
        SessionEvent::Released { packet_id: 4 },
        SessionEvent::Will { delay: 30, message: message() },
        SessionEvent::WillGone,
        SessionEvent::Completed { packet_id: 5 },
    ]
}

fn bytes_of(record: &SessionRecord<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_session(record, &mut bytes);
    bytes
}

#[test]
fn version_one_is_these_bytes() {
    let hex = |event| -> String {
        bytes_of(&of(event)).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let all: Vec<String> = every_event().into_iter().map(hex).collect();
    expect![[r#"
        0201060001401e18240a060070756d702d37100e0000
        0202060001401e18240a060070756d702d37ffffffff
        0203060001401e18240a060070756d702d3701000000
        0204060001401e18240a060070756d702d37
        0205060001401e18240a060070756d702d370e030000006661726d2f2b2f23
        0206060001401e18240a060070756d702d372473686172652f637265772f61
        0207060001401e18240a060070756d702d3708000000000000000507000000ffffff0f
        0208060001401e18240a060070756d702d370800000000000000ffff
        0209060001401e18240a060070756d702d370200
        020a060001401e18240a060070756d702d3709000000000000000100000000000001
        020b060001401e18240a060070756d702d370400
        020c060001401e18240a060070756d702d370400
        020d060001401e18240a060070756d702d371e000000010506000b00000000000000050000000000000070756d702d3770756d702f372f676f6e6531
        020e060001401e18240a060070756d702d37
        020f060001401e18240a060070756d702d370500"#]].assert_eq(&all.join("\n"));
}

#[test]
fn what_was_encoded_is_decoded_and_nothing_shorter_passes_for_another() {
    for event in every_event() {
        let bytes = bytes_of(&of(event));
        assert_eq!(Record::decode(&bytes), Ok(Record::Session(of(event))));
        for cut in 0..bytes.len() {
            let shorter = Record::decode(&bytes[..cut]);
            assert_ne!(shorter, Ok(Record::Session(of(event))), "{event:?} cut at {cut}");
        }
    }
}

#[test]
fn an_event_of_a_newer_version_is_named() {
    let mut bytes = bytes_of(&of(SessionEvent::Ended));
    bytes[1] = 99;
    assert_eq!(Record::decode(&bytes), Err(RecordFault::SessionEvent(99)));
}

proptest! {
    #[test]
    fn any_bytes_are_a_record_or_a_fault(mut bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Some(kind) = bytes.first_mut() {
            *kind = KIND_SESSION;
        }
        if let Ok(Record::Session(record)) = Record::decode(&bytes) {
            let again = bytes_of(&record);
            prop_assert_eq!(Record::decode(&again), Ok(Record::Session(record)));
        }
    }
}

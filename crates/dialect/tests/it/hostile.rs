//! Every field of every message is hostile.

use dialect::{
    Context, LEAVES_MAX, NAME_BYTES_MAX, Note, Outcome, PAYLOAD_BYTES_MAX, Recognizer,
    TEXT_BYTES_MAX, TOPIC_BYTES_MAX, Verdict, Zone,
};
use model::{Message, Qos, Timestamp, TopicName, Value};
use proptest::prelude::*;

fn read(topic: &str, payload: &[u8]) -> Option<Outcome> {
    let zone = Zone::default();
    let ctx = Context { zone: &zone, credential_is_device: false, bridged: true };
    let message = Message {
        received_at: Timestamp::from_millis(1_714_816_800_000),
        client: "client-1",
        credential: None,
        topic: TopicName::parse(topic).ok()?,
        payload,
        properties: &[],
        qos: Qos::AtMostOnce,
        retain: true,
    };
    let mut out = Outcome::new();
    Recognizer::new().read(&message, &ctx, &mut out);
    Some(out)
}

fn keeps_its_limits(out: &Outcome) {
    for group in out.groups() {
        assert!(group.readings().len() <= LEAVES_MAX);
        for (name, value) in group.labels() {
            assert!(!name.is_empty() && !value.is_empty());
            assert!(!name.contains(char::is_control) && !value.contains(char::is_control));
            assert!(!name.contains(|letter: char| letter.is_ascii_uppercase()));
        }
        assert!(group.key().len() <= 2 * TOPIC_BYTES_MAX && group.key().contains(':'));
        for reading in group.readings() {
            assert!(!reading.name.is_empty() && reading.name.len() <= NAME_BYTES_MAX);
            assert!(!reading.name.contains(char::is_control));
            match reading.value {
                Value::Number(number) => assert!(number.is_finite()),
                Value::Text(text) => assert!(!text.is_empty() && text.len() <= TEXT_BYTES_MAX),
                Value::Boolean(_) => {}
            }
        }
    }
    for attribute in out.attributes() {
        assert!(attribute.name.len() <= NAME_BYTES_MAX);
        let json = serde_json::from_str::<serde_json::Value>(attribute.json);
        // A number beyond every double is JSON all the same.
        let fault = json.err().filter(|fault| !fault.to_string().contains("out of range"));
        assert!(fault.is_none(), "{fault:?} in {}", attribute.json);
    }
    if out.verdict() != Verdict::Read {
        assert_eq!(out.reading_count(), 0);
    }
}

const TOPICS: [&str; 8] = [
    "farm/a",
    "v1/devices/me/telemetry",
    "v1/devices/me/attributes",
    "v1/devices/me/rpc/request/1",
    "v1/gateway/telemetry",
    "v1/gateway/attributes",
    "v1/gateway/connect",
    "v2/t",
];

const POINTS: &str = "(m|cpu|é)(,[\\PC&&[^=, ]]{0,4}(model|fw|_version|rated_|Area)[a-z]{0,2}=[\\PC&&[^ ]]{0,6}){0,3} v=1";

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\"ts\"",
        "\"values\"",
        "\"n\"",
        "\"bn\"",
        "\"v\"",
        "\"t\"",
        "\"vd\"",
        "\"mac\"",
        "\"model\"",
        "\"device\"",
        "1",
        "1e999",
        "-0",
        "12345678901234567890",
        "1650000000",
        "true",
        "null",
        "\"a4:cf:12:34:56:78\"",
        "\"2024-05-04 10:00:00\"",
        "\"23,4 °C\"",
        "\\u0000",
        "\"urn:dev:mac:0024befffe804ff1/\"",
        "\u{7}",
        "é",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Trees of values under names that mean something to one dialect or another.
fn tree() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        any::<bool>().prop_map(serde_json::Value::from),
        "[ -~é°]{0,12}".prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
        (250_usize..260).prop_map(|length| "x".repeat(length).into()),
    ];
    let name = prop_oneof![
        prop::sample::select(vec![
            "ts",
            "values",
            "n",
            "bn",
            "bt",
            "v",
            "vs",
            "t",
            "mac",
            "sn",
            "temp_C",
            "fw_version"
        ])
        .prop_map(str::to_owned),
        "\\PC{0,6}",
        "[a-d]{120,140}",
    ];
    leaf.prop_recursive(8, 256, 20, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(serde_json::Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..20)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_on_any_topic(topic in "[^+#\u{0}]{1,80}", payload in any::<Vec<u8>>()) {
        if let Some(out) = read(&topic, &payload) {
            keeps_its_limits(&out);
        }
    }

    #[test]
    fn pieces_of_every_dialect(topic in prop::sample::select(&TOPICS[..]), payload in pieces()) {
        keeps_its_limits(&read(topic, payload.as_bytes()).unwrap());
    }

    #[test]
    fn any_tree(topic in prop::sample::select(&TOPICS[..]), tree in tree()) {
        keeps_its_limits(&read(topic, &serde_json::to_vec(&tree).unwrap()).unwrap());
    }

    #[test]
    fn any_tags(points in prop::collection::vec(POINTS, 1..4)) {
        keeps_its_limits(&read("farm/a", points.join("\n").as_bytes()).unwrap());
    }

    #[test]
    fn any_cbor(mut payload in any::<Vec<u8>>(), pack in prop::sample::select(&[0x81_u8, 0x82, 0x9f][..])) {
        payload.splice(0..0, [pack, 0xa2, 0x00, 0x61, b'n', 0x02]);
        keeps_its_limits(&read("farm/a", &payload).unwrap());
    }
}

#[track_caller]
fn refused(topic: &str, payload: &[u8], reason: Note) {
    let out = read(topic, payload).unwrap();
    assert_eq!(out.verdict(), Verdict::Unread(reason));
    keeps_its_limits(&out);
}

#[test]
fn what_is_too_large_is_left_alone() {
    refused("a", &vec![b'1'; PAYLOAD_BYTES_MAX + 1], Note::PayloadTooLarge);
    refused(&"a".repeat(TOPIC_BYTES_MAX + 1), b"1", Note::TopicTooLong);
    refused(&"a/".repeat(32), b"1", Note::TopicTooLong);
    assert_eq!(read(&"a/".repeat(31), b"1").unwrap().verdict(), Verdict::Read);
    refused("a", "[".repeat(1000).as_bytes(), Note::TooDeep);
}

#[test]
fn what_no_dialect_reads_says_why() {
    refused("a/b", b"{\"t\":21.5", Note::Malformed);
    refused("a/b", b"\xff\xd8\xff", Note::NotText);
    refused("v1/devices/me/telemetry", b"21.5", Note::Malformed);
    refused("v2/t/p", b"\x08\x01", Note::Protobuf);
    refused("v1/gateway/connect", b"{}", Note::Malformed);
}

#[test]
fn a_message_of_a_megabyte_is_read_in_bounded_room() {
    let series = format!("[{}]", vec!["{\"ts\":1714816800,\"v\":1}"; 40_000].join(","));
    let out = read("farm/a", series.as_bytes()).unwrap();
    assert_eq!(out.groups().len(), 1024);
    assert!(out.notes().contains(&Note::Truncated));
    let names: Vec<String> = (0..60_000).map(|place| format!("\"n{place}\":1")).collect();
    let wide = format!("{{{}}}", names.join(","));
    let out = read("farm/a", wide.as_bytes()).unwrap();
    assert_eq!(out.reading_count(), LEAVES_MAX);
    assert!(out.notes().contains(&Note::Truncated));
}

//! One test for each rule about bytes.

use super::*;

const V3: Version = Version::V311;
const V5: Version = Version::V5;

//= mqtt-v5 MQTT-3.1.2-9, MQTT-3.1.2-17, MQTT-3.1.2-19, MQTT-3.1.3-1, MQTT-3.1.3-3 test
//= mqtt-v311 MQTT-3.1.3-1, MQTT-3.1.3-3 test
#[test]
fn a_connect_is_read() {
    check_both(
        "10 10 00 04 4d 51 54 54 04 02 00 3c 00 04 61 6e 6e 61",
        &expect![[r#"
        Connect(Connect { version: V311, clean_start: true, keep_alive: 60,
        client_id: "anna", will: None, user_name: None, password: None,
        properties: [] })"#]],
    );
    check_both(
        "10 25 00 04 4d 51 54 54 05 ee 00 0a 05 11 00 00 00 09 00 01 61 \
         05 18 00 00 00 02 00 01 77 00 01 01 00 01 75 00 01 70",
        &expect![[r#"
            Connect(Connect { version: V5, clean_start: true, keep_alive: 10,
            client_id: "a", will: Some(Will { topic: "w", payload: [1], qos: AtLeastOnce,
            retain: true, properties: [WillDelay(2)] }), user_name: Some("u"),
            password: Some("…"), properties: [SessionExpiry(9)] })"#]],
    );
}

//= mqtt-v5 MQTT-3.1.2-1, MQTT-3.1.2-2 test
//= mqtt-v311 MQTT-3.1.2-1, MQTT-3.1.2-2 test
#[test]
fn other_protocols_are_named() {
    check_both(
        "10 0d 00 04 4d 51 54 54 06 02 00 3c 00 01 61",
        &expect!["ProtocolLevel { level: 6 }"],
    );
    check_both(
        "10 0f 00 06 4d 51 49 73 64 70 03 02 00 3c 00 01 61",
        &expect!["ProtocolLevel { level: 3 }"],
    );
    check_both("10 0d 00 04 41 4d 51 50 04 02 00 3c 00 01 61", &expect!["ProtocolName"]);
}

//= mqtt-v5 MQTT-3.1.2-3, MQTT-3.1.2-11, MQTT-3.1.2-12, MQTT-3.1.2-13 test
//= mqtt-v311 MQTT-3.1.2-3, MQTT-3.1.2-11, MQTT-3.1.2-13, MQTT-3.1.2-14, MQTT-3.1.2-15 test
#[test]
fn connect_flags_do_not_contradict_each_other() {
    // The reserved bit; a QoS, a retain without a will; a will with QoS 3.
    for flags in [0x03, 0x0A, 0x22, 0x1E] {
        let bytes = [b"\x10\x0d\x00\x04MQTT\x04", &[flags][..], b"\x00\x3c\x00\x01a"].concat();
        assert_eq!(decode(&bytes, V3, MAX), Err(Malformed::ConnectFlags(flags)));
    }
}

//= mqtt-v311 MQTT-3.1.2-22 test
#[test]
fn a_password_without_a_user_is_for_mqtt_5_only() {
    check(
        V3,
        "10 10 00 04 4d 51 54 54 04 42 00 3c 00 01 61 00 01 70",
        &expect!["ConnectFlags(66)"],
    );
    check(
        V5,
        "10 11 00 04 4d 51 54 54 05 42 00 3c 00 00 01 61 00 01 70",
        &expect![[r#"
        Connect(Connect { version: V5, clean_start: true, keep_alive: 60,
        client_id: "a", will: None, user_name: None, password: Some("…"),
        properties: [] })"#]],
    );
}

//= mqtt-v5 MQTT-3.1.2-16, MQTT-3.1.2-18 test
//= mqtt-v311 MQTT-3.1.2-9, MQTT-3.1.2-18, MQTT-3.1.2-19, MQTT-3.1.2-20, MQTT-3.1.2-21 test
#[test]
fn a_connect_ends_with_its_last_field() {
    check_both("10 0e 00 04 4d 51 54 54 04 02 00 3c 00 01 61 00", &expect!["Trailing"]);
    check_both("10 0d 00 04 4d 51 54 54 04 02 00 3c 00 02 61", &expect!["Truncated"]);
}

#[test]
fn authentication_data_needs_a_method() {
    check(
        V5,
        "10 12 00 04 4d 51 54 54 05 02 00 3c 04 16 00 01 61 00 01 61",
        &expect!["AuthDataAlone"],
    );
}

//= mqtt-v5 MQTT-3.2.2-1, MQTT-3.2.2-6 test
//= mqtt-v311 MQTT-3.2.2-4 test
#[test]
fn a_connack_is_read() {
    check(
        V3,
        "20 02 01 00",
        &expect!["ConnAck(ConnAck { session_present: true, reason: Success, properties: [] })"],
    );
    check(
        V3,
        "20 02 00 05",
        &expect![[r#"
        ConnAck(ConnAck { session_present: false, reason: NotAuthorized,
        properties: [] })"#]],
    );
    check(V3, "20 02 00 06", &expect!["ReasonCode(6)"]);
    check(V3, "20 02 01 05", &expect!["AcknowledgeFlags(1)"]);
    check(V3, "20 02 02 00", &expect!["AcknowledgeFlags(2)"]);
    check(
        V5,
        "20 06 00 00 03 21 00 0a",
        &expect![[r#"
        ConnAck(ConnAck { session_present: false, reason: Success,
        properties: [ReceiveMaximum(10)] })"#]],
    );
    check(V5, "20 03 00 8e 00", &expect!["ReasonCode(142)"]);
}

#[test]
fn a_message_is_read_in_place() {
    check(
        V3,
        "32 06 00 01 61 00 07 78",
        &expect![[r#"
        Publish(Publish { dup: false, qos: AtLeastOnce, retain: false, topic: "a",
        packet_id: Some(7), properties: [], payload: [120] })"#]],
    );
    check(
        V3,
        "31 03 00 01 61",
        &expect![[r#"
        Publish(Publish { dup: false, qos: AtMostOnce, retain: true, topic: "a",
        packet_id: None, properties: [], payload: [] })"#]],
    );
    check(
        V5,
        "3c 0c 00 01 61 00 07 05 02 00 00 00 09 78",
        &expect![[r#"
        Publish(Publish { dup: true, qos: ExactlyOnce, retain: false, topic: "a",
        packet_id: Some(7), properties: [MessageExpiry(9)], payload: [120] })"#]],
    );
}

//= mqtt-v5 MQTT-2.2.1-2, MQTT-2.2.1-3, MQTT-3.3.1-2, MQTT-3.3.1-4 test
//= mqtt-v311 MQTT-2.3.1-1, MQTT-3.3.1-2, MQTT-3.3.1-4, MQTT-2.3.1-5 test
#[test]
fn the_flags_of_a_message_agree() {
    check_both("36 06 00 01 61 00 07 00", &expect!["Qos"]);
    check_both("38 04 00 01 61 00", &expect!["DupWithoutQos"]);
    check_both("32 06 00 01 61 00 00 00", &expect!["PacketIdZero"]);
    check_both("32 04 00 01 61 00", &expect!["Truncated"]);
}

#[test]
fn a_message_has_a_topic_or_an_alias() {
    check(V3, "30 02 00 00", &expect!["TopicMissing"]);
    check(V5, "30 03 00 00 00", &expect!["TopicMissing"]);
    check(
        V5,
        "30 06 00 00 03 23 00 05",
        &expect![[r#"
        Publish(Publish { dup: false, qos: AtMostOnce, retain: false, topic: "",
        packet_id: None, properties: [TopicAlias(5)], payload: [] })"#]],
    );
    check(V5, "30 07 00 01 61 03 23 00 00", &expect!["TopicAliasZero"]);
}

//= mqtt-v5 MQTT-1.5.4-1, MQTT-1.5.4-2, MQTT-1.5.4-3 test
//= mqtt-v311 MQTT-1.5.3-1, MQTT-1.5.3-2, MQTT-1.5.3-3 test
#[test]
fn texts_are_utf_8_without_nul() {
    check(V3, "30 04 00 02 c3 28", &expect!["Utf8"]);
    // U+D800, a surrogate; an overlong slash; NUL; then U+FEFF, which stays.
    check(V3, "30 05 00 03 ed a0 80", &expect!["Utf8"]);
    check(V3, "30 04 00 02 c0 af", &expect!["Utf8"]);
    check(V3, "30 04 00 02 61 00", &expect!["Nul"]);
    check(
        V3,
        "30 06 00 04 ef bb bf 61",
        &expect![[r#"
        Publish(Publish { dup: false, qos: AtMostOnce, retain: false,
        topic: "\u{feff}a", packet_id: None, properties: [], payload: [] })"#]],
    );
}

#[test]
fn acknowledgements_are_read() {
    check_both(
        "40 02 00 01",
        &expect!["PubAck(Ack { packet_id: 1, reason: Success, properties: [] })"],
    );
    check_both(
        "50 02 ff ff",
        &expect!["PubRec(Ack { packet_id: 65535, reason: Success, properties: [] })"],
    );
    check_both(
        "62 02 00 01",
        &expect!["PubRel(Ack { packet_id: 1, reason: Success, properties: [] })"],
    );
    check_both(
        "70 02 00 01",
        &expect!["PubComp(Ack { packet_id: 1, reason: Success, properties: [] })"],
    );
    check(
        V5,
        "40 03 00 01 10",
        &expect!["PubAck(Ack { packet_id: 1, reason: NoMatchingSubscribers, properties: [] })"],
    );
    check(
        V5,
        "50 09 00 01 97 05 1f 00 02 6e 6f",
        &expect![[r#"
        PubRec(Ack { packet_id: 1, reason: QuotaExceeded,
        properties: [ReasonString("no")] })"#]],
    );
    check(V3, "40 03 00 01 10", &expect!["Trailing"]);
    check_both("40 02 00 00", &expect!["PacketIdZero"]);
    check_both("40 01 00", &expect!["Truncated"]);
}

//= mqtt-v5 MQTT-3.4.2-1, MQTT-3.5.2-1, MQTT-3.6.2-1, MQTT-3.7.2-1 test
#[test]
fn reasons_belong_to_their_packets() {
    check(V5, "40 03 00 01 92", &expect!["ReasonCode(146)"]);
    check(V5, "50 03 00 01 77", &expect!["ReasonCode(119)"]);
    check(
        V5,
        "62 03 00 01 92",
        &expect!["PubRel(Ack { packet_id: 1, reason: PacketIdNotFound, properties: [] })"],
    );
    check(V5, "70 03 00 01 97", &expect!["ReasonCode(151)"]);
}

//= mqtt-v5 MQTT-2.1.3-1, MQTT-3.6.1-1, MQTT-3.8.1-1, MQTT-3.10.1-1, MQTT-3.14.1-1, MQTT-3.15.1-1 test
//= mqtt-v311 MQTT-2.2.2-1, MQTT-2.2.2-2, MQTT-3.6.1-1, MQTT-3.8.1-1, MQTT-3.10.1-1, MQTT-3.14.1-1 test
#[test]
fn reserved_bits_of_the_first_byte_are_checked_at_once() {
    for kind in (0..16).filter(|kind| *kind != 3) {
        for flags in 0..16_u8 {
            let first = kind << 4 | flags;
            let right = if matches!(kind, 6 | 8 | 10) { 2 } else { 0 };
            let expected = match kind {
                0 => Err(Malformed::PacketType(0)),
                _ if flags == right => Ok(None),
                _ => Err(Malformed::HeaderFlags(first)),
            };
            assert_eq!(decode(&[first], V5, MAX), expected, "{first:#04x}");
        }
    }
}

//= mqtt-v5 MQTT-3.8.3-2, MQTT-3.8.3-4, MQTT-3.8.3-5 test
//= mqtt-v311 MQTT-3.8.3-1, MQTT-3.8.3-3, MQTT-3-8.3-4 test
#[test]
fn a_subscribe_is_read() {
    check(
        V3,
        "82 0a 00 01 00 01 61 01 00 01 23 02",
        &expect![[r##"
        Subscribe(Subscribe 1 [] [Subscription { filter: "a",
        options: SubscriptionOptions { qos: AtLeastOnce, no_local: false,
        retain_as_published: false, retain_handling: Send } },
        Subscription { filter: "#", options: SubscriptionOptions { qos: ExactlyOnce,
        no_local: false, retain_as_published: false, retain_handling: Send } }])"##]],
    );
    check(
        V5,
        "82 0b 00 01 03 0b b9 60 00 02 61 2f 2e",
        &expect![[r#"
        Subscribe(Subscribe 1 [SubscriptionId(12345)] [Subscription { filter: "a/",
        options: SubscriptionOptions { qos: ExactlyOnce, no_local: true,
        retain_as_published: true, retain_handling: DoNotSend } }])"#]],
    );
    check(V3, "82 02 00 01", &expect!["NoFilters"]);
    check(V5, "82 03 00 01 00", &expect!["NoFilters"]);
    check(V3, "82 06 00 01 00 01 61 03", &expect!["Qos"]);
    check(V3, "82 06 00 01 00 01 61 04", &expect!["SubscriptionOptions(4)"]);
    check(V5, "82 07 00 01 00 00 01 61 30", &expect!["SubscriptionOptions(48)"]);
    check(V5, "82 07 00 01 00 00 01 61 40", &expect!["SubscriptionOptions(64)"]);
    check(V5, "82 10 00 01 00 00 0a 24 73 68 61 72 65 2f 67 2f 61 05", &expect!["SharedNoLocal"]);
    check(V5, "82 09 00 01 02 0b 00 00 01 61 00", &expect!["PropertyValue(11)"]);
    check(V3, "82 05 00 01 00 01 61", &expect!["Truncated"]);
}

//= mqtt-v311 MQTT-3.9.3-2, MQTT-3.10.3-2 test
//= mqtt-v5 MQTT-3.10.3-2 test
#[test]
fn the_rest_of_subscribing_is_read() {
    check(V3, "90 04 00 01 02 80", &expect!["SubAck(FilterAck 1 [] [GrantedQos2, Unspecified])"]);
    check(V3, "90 03 00 01 03", &expect!["ReasonCode(3)"]);
    check(V5, "90 04 00 01 00 8f", &expect!["SubAck(FilterAck 1 [] [TopicFilterInvalid])"]);
    check(V5, "90 04 00 01 00 8e", &expect!["ReasonCode(142)"]);
    check(V3, "90 02 00 01", &expect!["NoFilters"]);
    check(V3, "a2 05 00 01 00 01 61", &expect![[r#"Unsubscribe(Unsubscribe 1 [] ["a"])"#]]);
    check(V5, "a2 06 00 01 00 00 01 61", &expect![[r#"Unsubscribe(Unsubscribe 1 [] ["a"])"#]]);
    check(V3, "a2 02 00 01", &expect!["NoFilters"]);
    check(V3, "b0 02 00 01", &expect!["UnsubAck(FilterAck 1 [] [])"]);
    check(V3, "b0 03 00 01 00", &expect!["Trailing"]);
    check(
        V5,
        "b0 05 00 01 00 00 11",
        &expect!["UnsubAck(FilterAck 1 [] [Success, NoSubscriptionExisted])"],
    );
}

#[test]
fn pings_are_two_bytes() {
    check_both("c0 00", &expect!["PingReq"]);
    check_both("d0 00", &expect!["PingResp"]);
    check_both("c0 01 00", &expect!["Trailing"]);
    check_both("d0 01 00", &expect!["Trailing"]);
}

//= mqtt-v5 MQTT-3.14.2-1, MQTT-3.15.2-1 test
#[test]
fn goodbyes_and_authentication_are_read() {
    check_both("e0 00", &expect!["Disconnect(Disconnect { reason: Success, properties: [] })"]);
    check(V3, "e0 01 04", &expect!["Trailing"]);
    check(
        V5,
        "e0 01 04",
        &expect!["Disconnect(Disconnect { reason: DisconnectWithWill, properties: [] })"],
    );
    check(
        V5,
        "e0 07 00 05 11 00 00 00 00",
        &expect!["Disconnect(Disconnect { reason: Success, properties: [SessionExpiry(0)] })"],
    );
    check(V5, "e0 01 86", &expect!["ReasonCode(134)"]);
    check(V3, "f0 00", &expect!["PacketType(15)"]);
    check(V5, "f0 00", &expect!["Auth(Auth { reason: Success, properties: [] })"]);
    check(
        V5,
        "f0 0a 18 08 15 00 01 61 16 00 01 62",
        &expect![[
            r#"Auth(Auth { reason: ContinueAuthentication, properties: [AuthMethod("a")] })"#
        ]],
    );
    check(V5, "f0 01 80", &expect!["ReasonCode(128)"]);
}

//= mqtt-v5 MQTT-3.3.2-14 test
#[test]
fn properties_are_held_to_their_rules() {
    // Unknown; of another packet; twice; a flag of 2; longer than the packet; longer than its
    // block; a zero where none may be.
    check(V5, "40 06 00 01 00 02 7f 00", &expect!["PropertyUnknown(127)"]);
    check(V5, "40 09 00 01 00 05 11 00 00 00 01", &expect!["PropertyMisplaced(17)"]);
    check(V5, "30 08 00 01 61 04 01 01 01 01", &expect!["PropertyRepeated(1)"]);
    check(V5, "30 06 00 01 61 02 01 02", &expect!["PropertyValue(1)"]);
    check(V5, "30 06 00 01 61 03 01 01", &expect!["Truncated"]);
    check(V5, "40 09 00 01 00 05 1f 00 04 61 61", &expect!["Truncated"]);
    check(V5, "20 06 00 00 03 21 00 00", &expect!["PropertyValue(33)"]);
    check(V5, "20 08 00 00 05 27 00 00 00 00", &expect!["PropertyValue(39)"]);
    // A response topic with a wildcard. An id or a length that takes two bytes for one.
    check(V5, "30 08 00 01 61 04 08 00 01 23", &expect!["PropertyValue(8)"]);
    check(V5, "30 07 00 01 61 03 81 00 01", &expect!["Varint"]);
    check(V5, "30 05 00 01 61 80 00", &expect!["Varint"]);
    // User properties repeat, and so do the subscription ids that a server sends.
    check(
        V5,
        "30 11 00 01 61 0d 26 00 01 6b 00 01 76 0b 01 0b 02 01 01",
        &expect![[r#"
        Publish(Publish { dup: false, qos: AtMostOnce, retain: false, topic: "a",
        packet_id: None, properties: [User("k", "v"), SubscriptionId(1),
        SubscriptionId(2), PayloadIsText(true)], payload: [] })"#]],
    );
    check(V5, "82 0b 00 01 04 0b 01 0b 02 00 01 61 00", &expect!["PropertyRepeated(11)"]);
}

//= mqtt-v5 MQTT-1.5.5-1 test
#[test]
fn a_length_takes_no_more_bytes_than_it_needs() {
    check(V5, "c0 80 00", &expect!["Varint"]);
    // MQTT 3.1.1 does not say so, and there are devices that always write two.
    check(V3, "c0 80 00", &expect!["PingReq"]);
    check_both("30 ff ff ff ff", &expect!["Varint"]);
    check_both("30 ff ff ff ff 01", &expect!["Varint"]);
}

/// Trust in lengths: what cannot be right or is too large is refused before any of it is there.
#[test]
fn a_packet_that_is_too_large_is_refused_from_its_header() {
    let large = [0x30, 0xFF, 0xFF, 0xFF, 0x7F];
    let refusal = Malformed::TooLarge { bytes: 268_435_460, max: MAX };
    assert_eq!(decode(&large, V3, MAX), Err(refusal));
    assert_eq!(needed(&large, MAX), Err(refusal));
    assert_eq!(decode(&large, V3, u32::MAX), Ok(None));
    assert_eq!(needed(&large, u32::MAX), Ok(268_435_460));
    // The limit is for the whole packet, header included.
    assert_eq!(needed(&[0x30, 98], 100), Ok(100));
    assert_eq!(needed(&[0x30, 99], 100), Err(Malformed::TooLarge { bytes: 101, max: 100 }));
    assert_eq!((needed(&[], 100), needed(&[0x30], 100)), (Ok(2), Ok(2)));
    assert_eq!(needed(&[0x30, 0x80], 100), Ok(3));
}

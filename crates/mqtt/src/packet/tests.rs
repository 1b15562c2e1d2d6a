//! Packets as bytes, by hand, and what becomes of them.

use expect_test::{Expect, expect};

use super::*;

const MAX: u32 = 1 << 20;

#[track_caller]
fn check(version: Version, hex: &str, expected: &Expect) {
    let bytes: Vec<u8> =
        hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    match decode(&bytes, version, MAX) {
        Ok(Some((packet, used))) => {
            assert_eq!(used, bytes.len(), "the packet is all of the bytes");
            expected.assert_eq(&format!("{packet:?}"));
        }
        Ok(None) => expected.assert_eq("incomplete"),
        Err(malformed) => expected.assert_eq(&format!("{malformed:?}")),
    }
}

//= mqtt-v311 MQTT-2.3.1-1 test
#[test]
fn a_message_with_packet_id_zero_is_refused() {
    check(Version::V311, "32 05 00 01 61 00 00", &expect!["PacketIdZero"]);
}

#[test]
fn a_message_is_read_in_place() {
    check(
        Version::V311,
        "32 06 00 01 61 00 07 78",
        &expect![[
            r#"Publish(Publish { dup: false, qos: AtLeastOnce, retain: false, topic: "a", packet_id: Some(7), properties: PublishProperties { all: Properties { block: [] }, travelling: [], interleaved: false, alias: None, expiry: None, has_subscription_ids: false }, payload: [120] })"#
        ]],
    );
}

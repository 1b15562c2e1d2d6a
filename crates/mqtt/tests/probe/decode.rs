//! Any bytes, as either version: what is read can be written and then reads the same.
//!
//! The first byte of the input says which version, the rest is what comes over the wire.

use mqtt::{Version, decode, needed};

const PACKET_MAX: u32 = 1 << 16;

pub(crate) fn probe(input: &[u8]) {
    let Some((version, mut rest)) = input.split_first() else { return };
    let version = if version % 2 == 0 { Version::V311 } else { Version::V5 };
    let mut again = Vec::new();
    let mut scratch = Vec::new();
    loop {
        let wanted = needed(rest, PACKET_MAX);
        let read = decode(rest, version, PACKET_MAX);
        let Ok(Some((packet, used))) = read else {
            // An incomplete packet needs more than there is; a refused header is refused by both.
            assert!(!matches!(read, Ok(None)) || wanted.is_ok_and(|wanted| wanted > rest.len()));
            assert!(wanted.is_ok() || read.is_err(), "{read:?}");
            return;
        };
        assert_eq!(wanted, Ok(used));
        if let mqtt::Packet::Publish(publish) = &packet {
            let travelling = publish.properties.travelling(&mut scratch).to_vec();
            let alone = mqtt::PublishProperties::parse(&travelling).expect("a part of a block");
            assert_eq!((alone.alias(), alone.has_subscription_ids()), (None, false));
        }
        assert!(!format!("{packet:?}").is_empty(), "every packet prints");
        again.clear();
        packet.encode(version, &mut again).expect("what was read can be written");
        let reread = decode(&again, version, u32::MAX);
        assert_eq!(reread, Ok(Some((packet, again.len()))));
        rest = rest.get(used..).unwrap_or_default();
    }
}

//! A message that is larger than a bridge takes: enough of it is read to say which one it was.
//!
//! A broker that speaks MQTT 5 does not send such a message, because it was told. One that speaks
//! MQTT 3.1.1 would send it again after each reconnect for ever.

use std::num::NonZeroU16;

use mqtt::Kind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Oversize {
    /// Bytes of the whole packet.
    pub(crate) bytes: usize,
    /// What has to be acknowledged; `None` for QoS 0.
    pub(crate) packet_id: Option<NonZeroU16>,
}

/// The head of the PUBLISH at the front of `bytes`. `None` when more bytes are needed to know.
///
/// # Errors
/// When it is something else than a PUBLISH of QoS 0 or 1.
pub(crate) fn head(bytes: &[u8]) -> Result<Option<Oversize>, Kind> {
    let Some((&first, mut rest)) = bytes.split_first() else { return Ok(None) };
    let kind = Kind::from_number(first >> 4).unwrap_or(Kind::Connect);
    let qos = first >> 1 & 0b11;
    if kind != Kind::Publish || qos > 1 {
        return Err(kind);
    }
    let (mut remaining, mut shift) = (0_usize, 0);
    loop {
        let Some((&byte, tail)) = rest.split_first() else { return Ok(None) };
        rest = tail;
        remaining |= usize::from(byte & 0x7F) << shift;
        shift += 7;
        if byte & 0x80 == 0 || shift == 28 {
            break;
        }
    }
    let total = bytes.len() - rest.len() + remaining;
    if qos == 0 {
        return Ok(Some(Oversize { bytes: total, packet_id: None }));
    }
    let Some(&[high, low]) = rest.first_chunk::<2>() else { return Ok(None) };
    let at = 2 + usize::from(u16::from_be_bytes([high, low]));
    let id = rest.get(at..).and_then(|id| id.first_chunk::<2>());
    let Some(id) = id else { return Ok(None) };
    Ok(Some(Oversize { bytes: total, packet_id: NonZeroU16::new(u16::from_be_bytes(*id)) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Qos;
    use mqtt::{Packet, Publish, PublishProperties, Version};

    fn packet(qos: Qos) -> Vec<u8> {
        let publish = Publish {
            dup: false,
            qos,
            retain: false,
            topic: "farm/picture",
            packet_id: NonZeroU16::new(515).filter(|_| qos != Qos::AtMostOnce),
            properties: PublishProperties::NONE,
            payload: &[7; 300],
        };
        let mut bytes = Vec::new();
        Packet::Publish(publish).encode(Version::V311, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_head_tells_the_length_and_the_id() {
        for (qos, packet_id) in [(Qos::AtMostOnce, None), (Qos::AtLeastOnce, NonZeroU16::new(515))]
        {
            let bytes = packet(qos);
            let whole = Some(Oversize { bytes: bytes.len(), packet_id });
            assert_eq!(head(&bytes), Ok(whole));
            let known: Vec<_> = (0..bytes.len())
                .map(|end| head(&bytes[..end]).unwrap())
                .filter(|seen| seen.is_some())
                .collect();
            assert!(
                known.iter().all(|seen| *seen == whole),
                "a part means the same or nothing yet"
            );
            assert!(known.len() > 290, "the payload is not waited for");
        }
    }

    #[test]
    fn what_is_no_message_of_qos_0_or_1_is_named() {
        assert_eq!(head(&packet(Qos::ExactlyOnce)), Err(Kind::Publish));
        assert_eq!(head(&[0x90, 0xFF]), Err(Kind::SubAck));
    }
}

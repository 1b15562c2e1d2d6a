//! Answers to the client that are as long as what they answer.

use std::num::NonZeroU16;

use super::{Properties, Reason, Session, TooLong, Violation};
use crate::subscribe::{encode_suback, encode_unsuback};

impl Session {
    /// # Errors
    /// The client takes no packet as large as this answer; the connection is over.
    //= mqtt-v5 MQTT-2.2.1-6, MQTT-3.8.4-1, MQTT-3.8.4-2, MQTT-3.8.4-5, MQTT-3.8.4-6
    //= mqtt-v5 MQTT-3.9.2-1, MQTT-3.9.2-2
    //= mqtt-v311 MQTT-2.3.1-7, MQTT-3.8.4-1, MQTT-3.8.4-2, MQTT-3.8.4-4, MQTT-3.8.4-5
    pub fn suback(
        &mut self,
        packet_id: NonZeroU16,
        reasons: impl IntoIterator<Item = Reason>,
        out: &mut Vec<u8>,
    ) -> Result<(), Violation> {
        let version = self.version;
        self.answer(out, |out| encode_suback(version, packet_id, Properties::NONE, reasons, out))
    }

    /// # Errors
    /// The client takes no packet as large as this answer; the connection is over.
    //= mqtt-v5 MQTT-2.2.1-6, MQTT-3.10.4-4, MQTT-3.10.4-5, MQTT-3.11.2-1, MQTT-3.11.2-2, MQTT-3.11.3-1
    //= mqtt-v311 MQTT-2.3.1-7, MQTT-3.10.4-4, MQTT-3.10.4-5
    pub fn unsuback(
        &mut self,
        packet_id: NonZeroU16,
        reasons: impl IntoIterator<Item = Reason>,
        out: &mut Vec<u8>,
    ) -> Result<(), Violation> {
        let version = self.version;
        self.answer(out, |out| encode_unsuback(version, packet_id, Properties::NONE, reasons, out))
    }

    /// Appends an answer if the client takes one of its size.
    //= mqtt-v5 MQTT-3.1.2-24
    pub(super) fn answer(
        &mut self,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), TooLong>,
    ) -> Result<(), Violation> {
        let start = out.len();
        let written = write(out);
        if written.is_ok() && out.len() - start <= self.client_packet_max as usize {
            return Ok(());
        }
        out.truncate(start);
        let violation = Violation::ClientPacketMax { max: self.client_packet_max };
        Err(self.violated(violation, out))
    }
}

//! One WebSocket with its beginning: an HTTP request, then frames. Pure: bytes in, bytes out.

use super::frames::{Decoder, Flow, FrameFault, encode_close, encode_data};
use super::origins::Origins;
use super::upgrade::{self, UpgradeFault};

const GOODBYE: u16 = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WebFault {
    #[error(transparent)]
    Upgrade(#[from] UpgradeFault),
    #[error(transparent)]
    Frame(#[from] FrameFault),
}

#[derive(Debug)]
pub(crate) enum WebSocket {
    /// The request as far as it has come.
    Upgrading(Vec<u8>),
    Open(Decoder),
    /// Both sides know that it is over.
    Closed,
}

impl Default for WebSocket {
    fn default() -> Self {
        Self::Upgrading(Vec::new())
    }
}

impl WebSocket {
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }

    /// Appends MQTT bytes to `data`, and to `answer` what the client has to be told, the reason of
    /// a fault included.
    pub(crate) fn decode(
        &mut self,
        input: &[u8],
        origins: &Origins,
        (data, answer): (&mut Vec<u8>, &mut Vec<u8>),
    ) -> Result<Flow, WebFault> {
        match self {
            Self::Closed => Ok(Flow::Closed),
            Self::Open(decoder) => {
                let decoded = decoder.decode(input, data, answer);
                if let Err(fault) = decoded {
                    encode_close(fault.status(), answer);
                }
                if decoded != Ok(Flow::Open) {
                    *self = Self::Closed;
                }
                Ok(decoded?)
            }
            Self::Upgrading(request) => {
                request.extend_from_slice(input);
                match upgrade::parse(request, origins) {
                    Ok(None) => Ok(Flow::Open),
                    Ok(Some(granted)) => {
                        answer.extend_from_slice(granted.answer.as_bytes());
                        let rest = request.split_off(granted.length);
                        *self = Self::Open(Decoder::default());
                        self.decode(&rest, origins, (data, answer))
                    }
                    Err(fault) => {
                        answer.extend_from_slice(fault.answer());
                        *self = Self::Closed;
                        Err(fault.into())
                    }
                }
            }
        }
    }

    /// Appends MQTT bytes in a frame.
    pub(crate) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
        encode_data(bytes, out);
    }

    /// Appends a goodbye, unless one was said or none can be.
    pub(crate) fn close(&mut self, out: &mut Vec<u8>) {
        if self.is_open() {
            encode_close(GOODBYE, out);
        }
        *self = Self::Closed;
    }
}

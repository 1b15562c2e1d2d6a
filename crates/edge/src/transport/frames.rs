//! WebSocket frames (RFC 6455, section 5): what a client sends, and what it is sent.
//!
//! Pure: bytes in, bytes out. A payload goes through as it arrives, so a frame of any length needs
//! no memory; only the header at hand and the payload of a control frame are kept.

use smallvec::SmallVec;

/// The longest frame that is taken: MQTT has no longer packet, and several may share a frame.
const FRAME_BYTES_MAX: u64 = 256 << 20;
/// Two bytes, a length of eight, a mask of four.
const HEAD_BYTES_MAX: usize = 14;
/// Section 5.5.
const CONTROL_BYTES_MAX: u8 = 125;

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameFault {
    #[error("a client sent a frame with reserved bits or an unknown opcode")]
    Reserved,
    #[error("a client sent a frame without a mask")]
    Unmasked,
    #[error("a client sent text")]
    Text,
    #[error("a client began a message inside another, or went on with none")]
    Fragments,
    #[error("a client sent a control frame in pieces, or a longer one than there is")]
    Control,
    #[error("a client wrote a length in more bytes than it needs")]
    Length,
    #[error("a client sent a frame that is longer than is taken")]
    TooLong,
}

impl FrameFault {
    /// The status with which the connection closes (section 7.4.1).
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Reserved | Self::Unmasked | Self::Fragments | Self::Control | Self::Length => {
                1002
            }
            Self::Text => 1003,
            Self::TooLong => 1009,
        }
    }
}

/// Whether there may be more frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Open,
    /// The client said goodbye, and was answered.
    Closed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Data,
    Ping,
    Pong,
    Close,
}

#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// The start of a header whose end has not arrived; empty inside of a frame.
    head: SmallVec<[u8; HEAD_BYTES_MAX]>,
    /// What is left of the frame at hand.
    left: u64,
    in_frame: bool,
    kind: Kind,
    /// Turned so that its first byte is for the next byte of the payload.
    mask: [u8; 4],
    /// A message in fragments has begun and not ended.
    in_message: bool,
    control: Vec<u8>,
}

impl Decoder {
    /// Appends payloads to `data`, and to `answer` what the client has to be told.
    //= mqtt-v5 MQTT-6.0.0-2
    //= mqtt-v311 MQTT-6.0.0-2
    pub(crate) fn decode(
        &mut self,
        mut input: &[u8],
        data: &mut Vec<u8>,
        answer: &mut Vec<u8>,
    ) -> Result<Flow, FrameFault> {
        loop {
            if !self.in_frame && !self.take_head(&mut input)? {
                return Ok(Flow::Open);
            }
            let take = usize::try_from(self.left).unwrap_or(usize::MAX).min(input.len());
            let (payload, rest) = input.split_at(take);
            input = rest;
            self.left -= take as u64;
            let into = if self.kind == Kind::Data { &mut *data } else { &mut self.control };
            unmask(&mut self.mask, payload, into);
            if self.left > 0 {
                return Ok(Flow::Open);
            }
            self.in_frame = false;
            if self.end_frame(answer)? == Flow::Closed {
                return Ok(Flow::Closed);
            }
        }
    }

    fn end_frame(&mut self, answer: &mut Vec<u8>) -> Result<Flow, FrameFault> {
        let control = std::mem::take(&mut self.control);
        match self.kind {
            Kind::Data | Kind::Pong => {}
            Kind::Ping => encode(PONG, &control, answer),
            Kind::Close if control.len() == 1 => return Err(FrameFault::Control),
            Kind::Close => {
                let status = control.get(..2).unwrap_or_default();
                encode(CLOSE, status, answer);
                return Ok(Flow::Closed);
            }
        }
        Ok(Flow::Open)
    }

    /// Says whether a whole header was there. What is wrong with its first two bytes is told before
    /// the others have come.
    fn take_head(&mut self, input: &mut &[u8]) -> Result<bool, FrameFault> {
        while self.head.len() < self.head_bytes() {
            let Some((byte, rest)) = input.split_first() else { return Ok(false) };
            self.head.push(*byte);
            *input = rest;
            if let [first, second] = *self.head {
                self.kind = self.begin(first, second)?;
            }
        }
        let Some((&[_, second], rest)) = self.head.split_first_chunk() else { return Ok(false) };
        let Some((length, mask)) = rest.split_last_chunk() else { return Ok(false) };
        self.left = length_of(second & !MASKED, length)?;
        self.mask = *mask;
        if self.left > FRAME_BYTES_MAX {
            return Err(FrameFault::TooLong);
        }
        self.head.clear();
        self.in_frame = true;
        Ok(true)
    }

    /// How long the header is, as far as is known.
    fn head_bytes(&self) -> usize {
        match self.head.get(1).map(|second| second & !MASKED) {
            None => 2,
            Some(126) => 2 + 2 + 4,
            Some(127) => 2 + 8 + 4,
            Some(_) => 2 + 4,
        }
    }

    fn begin(&mut self, first: u8, second: u8) -> Result<Kind, FrameFault> {
        if second & MASKED == 0 {
            return Err(FrameFault::Unmasked);
        }
        if first & RESERVED != 0 {
            return Err(FrameFault::Reserved);
        }
        let is_final = first & FINAL != 0;
        let control = |kind| match is_final && second & !MASKED <= CONTROL_BYTES_MAX {
            true => Ok(kind),
            false => Err(FrameFault::Control),
        };
        match first & OPCODE {
            CONTINUATION if !self.in_message => Err(FrameFault::Fragments),
            BINARY if self.in_message => Err(FrameFault::Fragments),
            CONTINUATION | BINARY => {
                self.in_message = !is_final;
                Ok(Kind::Data)
            }
            //= mqtt-v5 MQTT-6.0.0-1
            //= mqtt-v311 MQTT-6.0.0-1
            TEXT => Err(FrameFault::Text),
            CLOSE => control(Kind::Close),
            PING => control(Kind::Ping),
            PONG => control(Kind::Pong),
            _ => Err(FrameFault::Reserved),
        }
    }
}

/// The length that a header tells, in as few bytes as it needs (section 5.2).
fn length_of(short: u8, long: &[u8]) -> Result<u64, FrameFault> {
    let (length, least) = match *long {
        [] => (u64::from(short), 0),
        [a, b] => (u64::from(u16::from_be_bytes([a, b])), 126),
        [a, b, c, d, e, f, g, h] => (u64::from_be_bytes([a, b, c, d, e, f, g, h]), 1 << 16),
        _ => return Err(FrameFault::Length),
    };
    if length < least { Err(FrameFault::Length) } else { Ok(length) }
}

/// Appends a payload without its mask (section 5.3), and turns the mask for what follows.
fn unmask(mask: &mut [u8; 4], payload: &[u8], data: &mut Vec<u8>) {
    let start = data.len();
    data.extend_from_slice(payload);
    let word = u32::from_ne_bytes(*mask);
    let (words, rest) = data.get_mut(start..).unwrap_or_default().as_chunks_mut();
    for bytes in words {
        *bytes = (u32::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(&*mask) {
        *byte ^= mask;
    }
    mask.rotate_left(payload.len() % 4);
}

/// Appends MQTT bytes as a whole message.
pub(crate) fn encode_data(bytes: &[u8], out: &mut Vec<u8>) {
    encode(BINARY, bytes, out);
}

/// Appends a goodbye.
pub(crate) fn encode_close(status: u16, out: &mut Vec<u8>) {
    encode(CLOSE, &status.to_be_bytes(), out);
}

fn encode(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(FINAL | opcode);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ ..=125), _) => out.push(length),
        (_, Ok(length)) => {
            out.push(126);
            out.extend(length.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend((payload.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests;

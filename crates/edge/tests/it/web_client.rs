//! The client's half of a WebSocket, as the standard has it.

use std::io::{self, ErrorKind, Read, Write};

const REQUEST: &str = "GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";

const MASK: [u8; 4] = [1, 2, 3, 4];

pub(crate) struct WebClient<S> {
    pub(crate) stream: S,
    /// Payload that was not asked for yet.
    inbox: Vec<u8>,
}

/// A masked frame.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ ..126 => bytes.push(0x80 | u8::try_from(length).unwrap()),
        length @ ..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

impl<S: Read + Write> WebClient<S> {
    pub(crate) fn upgrade(mut stream: S) -> io::Result<Self> {
        stream.write_all(REQUEST.as_bytes())?;
        stream.flush()?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            answer.extend(byte);
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        assert!(answer.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
        assert!(answer.contains("\r\nSec-WebSocket-Protocol: mqtt\r\n"));
        Ok(Self { stream, inbox: Vec::new() })
    }

    pub(crate) fn send(&mut self, first: u8, payload: &[u8]) {
        self.stream.write_all(&frame(first, payload)).unwrap();
        self.stream.flush().unwrap();
    }

    /// The next frame: its first byte and its payload.
    pub(crate) fn receive(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head)?;
        let length = match head[1] {
            126 => {
                let mut long = [0; 2];
                self.stream.read_exact(&mut long)?;
                usize::from(u16::from_be_bytes(long))
            }
            127 => {
                let mut long = [0; 8];
                self.stream.read_exact(&mut long)?;
                usize::try_from(u64::from_be_bytes(long)).unwrap()
            }
            short => usize::from(short),
        };
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload)?;
        Ok((head[0], payload))
    }
}

impl<S: Read + Write> Read for WebClient<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.inbox.is_empty() {
            match self.receive()? {
                (0x82, payload) => self.inbox = payload,
                (0x88, _goodbye) => return Ok(0),
                other => return Err(io::Error::new(ErrorKind::InvalidData, format!("{other:?}"))),
            }
        }
        let read = buffer.len().min(self.inbox.len());
        buffer[..read].copy_from_slice(&self.inbox[..read]);
        self.inbox.drain(..read);
        Ok(read)
    }
}

impl<S: Read + Write> Write for WebClient<S> {
    /// In two fragments, as the standard allows.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (head, tail) = bytes.split_at(bytes.len() / 3);
        self.stream.write_all(&[frame(0x02, head), frame(0x80, tail)].concat())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

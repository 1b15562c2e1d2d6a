//! Between a client and the protocol: messages that are too large never reach it, because it would
//! gather a whole one in memory first.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

/// A statement has 256 KiB, its parameters may have more.
const MESSAGE_BYTES_MAX: usize = 4 << 20;

/// Names, a database and some settings.
const STARTUP_BYTES_MAX: usize = 10_000;

/// Statements that a client named are kept until it goes. Each costs its text, and as much again
/// as this for its columns.
const NAMED_BYTES_MAX: usize = 64 << 20;
const NAMED_BYTES_MIN: usize = 4 << 10;

const CHUNK_BYTES: usize = 16 << 10;

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const PARSE: u8 = b'P';

/// What a client must not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Excess {
    Message,
    Named,
}

impl Excess {
    const fn told(self) -> &'static str {
        match self {
            Self::Message => "a message of the client is too large",
            Self::Named => "the client has prepared too many statements; connect again",
        }
    }
}

/// Where in the messages of a client we are.
#[derive(Debug, Default)]
struct Frames {
    started: bool,
    /// Of a message that is not known yet.
    head: Vec<u8>,
    /// Of the current message.
    left: usize,
    named: usize,
}

impl Frames {
    /// Appends to `out` what the protocol may see. Says how many requests for encryption were in
    /// it, which are answered here.
    fn pass(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, Excess> {
        let mut requests = 0;
        while !bytes.is_empty() {
            if self.left > 0 {
                let (now, later) = bytes.split_at(self.left.min(bytes.len()));
                out.extend_from_slice(now);
                self.left -= now.len();
                bytes = later;
                continue;
            }
            let wanted = self.wanted();
            let missing = wanted - self.head.len();
            let (now, later) = bytes.split_at(missing.min(bytes.len()));
            self.head.extend_from_slice(now);
            bytes = later;
            if self.head.len() == self.wanted() {
                requests += usize::from(self.begin(out)?);
            }
        }
        Ok(requests)
    }

    /// Bytes that tell what a message is: kind and length, and the first of its body, if it has one.
    fn wanted(&self) -> usize {
        match self.started {
            false => 8,
            true if self.head.len() < 5 || self.length(1) == Some(4) => 5,
            true => 6,
        }
    }

    fn length(&self, at: usize) -> Option<usize> {
        let bytes: [u8; 4] = self.head.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(bytes)).ok()
    }

    /// A message is known by its head; `true` for a request for encryption.
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<bool, Excess> {
        let head = std::mem::take(&mut self.head);
        self.head.clone_from(&head);
        let (length, limit, code) = if self.started {
            (self.length(1).map(|length| length.saturating_add(1)), MESSAGE_BYTES_MAX, 0)
        } else {
            let code = self.length(4).and_then(|code| u32::try_from(code).ok());
            (self.length(0), STARTUP_BYTES_MAX, code.unwrap_or_default())
        };
        self.head.clear();
        let Some(length) = length.filter(|length| (head.len()..=limit).contains(length)) else {
            return Err(Excess::Message);
        };
        if !self.started && (code == SSL_REQUEST || code == GSS_REQUEST) {
            return Ok(true);
        }
        if self.started
            && head.first() == Some(&PARSE)
            && head.get(5).is_some_and(|name| *name != 0)
        {
            self.named = self.named.saturating_add(length.max(NAMED_BYTES_MIN));
            if self.named > NAMED_BYTES_MAX {
                return Err(Excess::Named);
            }
        }
        self.started = true;
        self.left = length - head.len();
        out.extend_from_slice(&head);
        Ok(false)
    }
}

/// Carries bytes both ways until one side ends, or the client sends too much.
pub(crate) async fn carry(mut client: TcpStream, mut protocol: UnixStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    let (mut frames, mut out) = (Frames::default(), Vec::new());
    let (mut asked, mut answered) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
    loop {
        tokio::select! {
            count = client.read(&mut asked) => {
                let bytes = asked.get(..count?).unwrap_or_default();
                if bytes.is_empty() {
                    return Ok(());
                }
                match frames.pass(bytes, &mut out) {
                    Ok(requests) => client.write_all(&vec![b'N'; requests]).await?,
                    Err(excess) => return client.write_all(&fatal(excess)).await,
                }
                protocol.write_all(&out).await?;
                out.clear();
            }
            count = protocol.read(&mut answered) => {
                let bytes = answered.get(..count?).unwrap_or_default();
                if bytes.is_empty() {
                    return Ok(());
                }
                client.write_all(bytes).await?;
            }
        }
    }
}

/// An `ErrorResponse` (PostgreSQL, 55.7): 54000 is a limit of the program.
fn fatal(excess: Excess) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C54000\0M{}\0\0", excess.told());
    let length = u32::try_from(fields.len() + 4).unwrap_or(u32::MAX);
    let mut bytes = vec![b'E'];
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(fields.as_bytes());
    bytes
}

#[cfg(test)]
mod tests;

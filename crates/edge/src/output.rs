//! Bytes on their way to a socket.

/// A buffer that is given back when everything was written: an idle connection owns none.
#[derive(Debug, Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    written: usize,
    /// From the beginning of the connection.
    taken: u64,
}

impl Output {
    /// Where packets are appended.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(crate) fn pending(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// Bytes that the socket has taken, from the beginning of the connection.
    pub(crate) const fn taken(&self) -> u64 {
        self.taken
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn advance(&mut self, written: usize) {
        self.written += written;
        self.taken += written as u64;
        if self.is_empty() {
            *self = Self { taken: self.taken, ..Self::default() };
        }
    }
}

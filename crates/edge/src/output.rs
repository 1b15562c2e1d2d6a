//! Bytes on their way to a socket.

use std::cell::RefCell;

/// Bytes of buffers that a thread keeps for the next connection that has something to say. Fresh
/// memory costs more than what is written into it: the kernel clears each page first.
const SPARE_BYTES_MAX: usize = 16 << 20;

/// Smaller ones are freed: an answer now and then needs no page of its own, and a million of them
/// would be kept for nothing.
const SPARE_BYTES_MIN: usize = 4 << 10;

thread_local! {
    static SPARE: RefCell<Spare> = const { RefCell::new(Spare { buffers: Vec::new(), bytes: 0 }) };
}

/// Empty buffers, and the memory that they hold.
struct Spare {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

impl Spare {
    fn take(&mut self) -> Vec<u8> {
        let buffer = self.buffers.pop().unwrap_or_default();
        self.bytes -= buffer.capacity();
        buffer
    }

    fn give(&mut self, mut buffer: Vec<u8>) {
        let kept = buffer.capacity();
        if kept >= SPARE_BYTES_MIN && self.bytes + kept <= SPARE_BYTES_MAX {
            buffer.clear();
            self.bytes += buffer.capacity();
            self.buffers.push(buffer);
        }
    }
}

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

    /// The same for a message, of which more may follow: with memory that another connection had.
    pub(crate) fn warm_buffer(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = SPARE.with_borrow_mut(Spare::take);
        }
        &mut self.bytes
    }

    /// Nothing came of it.
    pub(crate) fn rest(&mut self) {
        if self.is_empty() {
            self.advance(0);
        }
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
            self.written = 0;
            SPARE.with_borrow_mut(|spare| spare.give(std::mem::take(&mut self.bytes)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_goes_from_one_connection_to_the_next_and_idle_ones_own_none() {
        let (mut first, mut second) = (Output::default(), Output::default());
        first.buffer().extend_from_slice(&[7; 5_000]);
        first.advance(4_999);
        assert_eq!((first.pending(), first.len()), (&[7][..], 1));
        first.advance(1);
        assert_eq!((first.bytes.capacity(), first.taken()), (0, 5_000));
        assert!(second.warm_buffer().is_empty() && second.bytes.capacity() >= 5_000);
        second.rest();
        assert_eq!(second.bytes.capacity(), 0, "nothing came of it");
        second.buffer().push(1);
        assert_eq!(second.pending(), [1]);
    }

    #[test]
    fn small_buffers_are_not_kept() {
        let mut output = Output::default();
        output.buffer().extend_from_slice(&[1; 100]);
        output.advance(100);
        SPARE.with_borrow(|spare| assert!(spare.buffers.iter().all(|it| it.capacity() >= 4_096)));
    }

    #[test]
    fn what_is_kept_for_the_next_has_a_limit() {
        let mut outputs: Vec<Output> = (0..40).map(|_| Output::default()).collect();
        for output in &mut outputs {
            output.buffer().extend_from_slice(&[0; 1 << 20]);
        }
        outputs.iter_mut().for_each(|output| output.advance(1 << 20));
        let kept = SPARE.with_borrow(|spare| {
            let sum: usize = spare.buffers.iter().map(Vec::capacity).sum();
            assert_eq!(sum, spare.bytes);
            sum
        });
        assert!((1 << 20..=SPARE_BYTES_MAX).contains(&kept), "{kept}");
    }
}

//! A link between two programs that can be cut: bytes are carried, or vanish without a word, as in
//! a network of which a part is gone.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;

const CHUNK_BYTES: usize = 64 << 10;

/// Ends of connections that are held. A client that comes again every second makes 1,200 of them in
/// a cut of 20 minutes; the oldest are closed beyond that.
const ENDS_MAX: usize = 2_048;

#[derive(Debug)]
pub(super) struct Link {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    target: SocketAddr,
    /// Changes only while `ends` is locked, so that no connection is made at the wrong moment.
    cut: AtomicBool,
    over: AtomicBool,
    carried: AtomicU64,
    ends: Mutex<Vec<TcpStream>>,
}

impl Link {
    /// # Errors
    /// When there is no port left.
    pub(super) fn start(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            target,
            cut: AtomicBool::new(false),
            over: AtomicBool::new(false),
            carried: AtomicU64::new(0),
            ends: Mutex::new(Vec::new()),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.over.load(Ordering::SeqCst) {
                    return;
                }
                // A target that is away closes the connection, as a network would.
                drop(State::accept(&shared, stream));
            }
        });
        Ok(Self { address, state })
    }

    #[must_use]
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From here on nothing arrives, and no connection ends.
    pub(super) fn cut(&self) {
        let _ends = self.state.ends();
        self.state.cut.store(true, Ordering::SeqCst);
    }

    /// Connections that lost bytes end, and further ones are carried again.
    pub(super) fn heal(&self) {
        self.state.close_all(&mut self.state.ends());
    }

    /// Connections that reached the target.
    #[must_use]
    pub(super) fn carried(&self) -> u64 {
        self.state.carried.load(Ordering::SeqCst)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
        self.state.close_all(&mut self.state.ends());
        // Wakes the thread that accepts; when it cannot be reached it has ended.
        drop(TcpStream::connect(self.address));
    }
}

impl State {
    fn ends(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(shared: &Arc<Self>, near: TcpStream) -> Result<()> {
        let mut ends = shared.ends();
        if ends.len() + 2 > ENDS_MAX {
            ends.drain(..2).for_each(close);
        }
        ends.push(near.try_clone()?);
        if shared.cut.load(Ordering::SeqCst) {
            return Ok(());
        }
        let far = TcpStream::connect(shared.target)?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        ends.push(far.try_clone()?);
        drop(ends);
        shared.carried.fetch_add(1, Ordering::SeqCst);
        for (from, to) in [(near.try_clone()?, far.try_clone()?), (far, near)] {
            let state = Arc::clone(shared);
            std::thread::spawn(move || state.pump(from, to));
        }
        Ok(())
    }

    /// Until one end is closed; while the link is cut, the other does not hear of that.
    fn pump(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let bytes = match from.read(&mut chunk) {
                Ok(0) | Err(_) => &[],
                Ok(count) => chunk.get(..count).unwrap_or_default(),
            };
            let cut = self.cut.load(Ordering::SeqCst);
            let gone = bytes.is_empty() || !cut && to.write_all(bytes).is_err();
            if gone && !cut {
                close(from);
                close(to);
                return;
            }
            if gone {
                return;
            }
        }
    }

    fn close_all(&self, ends: &mut Vec<TcpStream>) {
        ends.drain(..).for_each(close);
        self.cut.store(false, Ordering::SeqCst);
    }
}

/// Whoever closed it before is right as well.
#[expect(clippy::needless_pass_by_value, reason = "it is over with")]
fn close(stream: TcpStream) {
    drop(stream.shutdown(Shutdown::Both));
}

#[cfg(test)]
mod tests;

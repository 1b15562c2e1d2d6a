//! Where a broker is: a killed one comes back under another port.

use std::net::SocketAddr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
pub(super) struct Place {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug)]
struct State {
    /// Which life of the broker this is, from 1.
    life: u64,
    address: Option<SocketAddr>,
}

impl Place {
    #[must_use]
    pub(super) fn at(address: SocketAddr) -> Self {
        let state = Mutex::new(State { life: 1, address: Some(address) });
        Self { state, changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is about to be killed: connections may end.
    pub(super) fn leave(&self) {
        self.state().address = None;
    }

    pub(super) fn come_back(&self, address: SocketAddr) {
        let mut state = self.state();
        *state = State { life: state.life + 1, address: Some(address) };
        drop(state);
        self.changed.notify_all();
    }

    /// Nobody waits for it any more.
    pub(super) fn give_up(&self) {
        let mut state = self.state();
        *state = State { life: u64::MAX, address: None };
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for a life after that one. `None` when there will be none.
    #[must_use]
    pub(super) fn after(&self, life: u64) -> Option<(u64, SocketAddr)> {
        let waits = |state: &mut State| {
            state.life != u64::MAX && (state.address.is_none() || state.life <= life)
        };
        let waited = self.changed.wait_while(self.state(), waits);
        let state = *waited.unwrap_or_else(PoisonError::into_inner);
        state.address.map(|address| (state.life, address))
    }

    /// Whether connections to that life end by no fault of the broker.
    #[must_use]
    pub(super) fn is_gone(&self, life: u64) -> bool {
        let state = self.state();
        state.life != life || state.address.is_none()
    }
}

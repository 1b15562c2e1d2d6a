//! How much statements have read: what pushdown saves can be seen here.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters over all statements of an engine.
#[derive(Debug, Default)]
pub(crate) struct Work {
    rows: AtomicU64,
}

impl Work {
    /// Rows that came out of history, before SQL filtered them.
    pub(crate) fn add_rows(&self, rows: usize) {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }
}

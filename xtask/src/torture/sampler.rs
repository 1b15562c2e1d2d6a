//! Asks for the reading acknowledged last, again and again: SQL has to have it at once.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;

use super::ledger::Ledger;
use super::readings::SIGNALS;
use super::{Verdict, sql};

/// Until the site is killed.
///
/// # Errors
/// When SQL gives no answer and the site was not killed.
pub(super) fn sample(
    ledger: &Ledger,
    http: SocketAddr,
    epoch_ms: i64,
    killed: &AtomicBool,
) -> Result<Verdict> {
    let mut samples = Verdict::default();
    let mut last = ledger.latest();
    while !killed.load(Ordering::SeqCst) {
        let latest = ledger.latest();
        let Some(reading) = latest.filter(|_| latest != last) else {
            std::thread::yield_now();
            continue;
        };
        last = latest;
        match sql::rows_of(http, epoch_ms, reading) {
            Ok(rows) => {
                samples.sampled += 1;
                ledger.sampled();
                if rows.len() != SIGNALS.len() {
                    samples.late(&format!("{reading:?}: {} rows at once", rows.len()));
                }
            }
            Err(_) if killed.load(Ordering::SeqCst) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(samples)
}

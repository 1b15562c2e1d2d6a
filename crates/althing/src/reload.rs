//! `SIGHUP`: the certificates of the listeners are read again.

use std::io;
use std::sync::Arc;

use edge::Reloader;
use model::{Event, Meter};
use signal_hook::consts::SIGHUP;
use signal_hook::iterator::Signals;

use crate::site::chain;

/// Listens for the signal on a thread of its own. A site without certificates leaves the signal to
/// the system: it ends the process when its terminal goes.
///
/// # Errors
/// When the thread cannot be started.
pub(crate) fn reload_on_signal(reloader: Reloader, meter: Arc<Meter>) -> io::Result<()> {
    if !reloader.has_certificates() {
        return Ok(());
    }
    let mut signals = Signals::new([SIGHUP])?;
    let listen = move || signals.forever().for_each(|_signal| reload(&reloader, &meter));
    std::thread::Builder::new().name("reload".to_owned()).spawn(listen)?;
    Ok(())
}

fn reload(reloader: &Reloader, meter: &Meter) {
    for (listener, outcome) in reloader.reload() {
        match outcome {
            Ok(()) => tracing::info!(listener, "certificates were read again"),
            Err(fault) => {
                meter.count(Event::CertificateRefused);
                let error = chain(&fault);
                tracing::error!(listener, error, "the old certificates stay in use");
            }
        }
    }
}

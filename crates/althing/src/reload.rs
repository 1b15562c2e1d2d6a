//! `SIGHUP`: the configuration, the certificates of the listeners and the credentials are read again.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use edge::{Limits, Reloader};
use model::{Event, Meter};
use signal_hook::consts::SIGHUP;
use signal_hook::iterator::Signals;

use crate::complaint::Complaint;
use crate::config::Loaded;
use crate::credentials::CredentialsFile;
use crate::serve;
use crate::site::chain;

/// The part of the configuration that can change while a site runs.
const LIMITS: &str = "limits.";

/// What can be reloaded of a running site.
pub(crate) struct Reload {
    pub(crate) reloader: Reloader,
    pub(crate) meter: Arc<Meter>,
    /// Strangers are let in whatever the configuration says: a demo.
    pub(crate) anonymous: bool,
    pub(crate) credentials: Option<CredentialsFile>,
}

impl Reload {
    /// Listens for the signal on a thread of its own; `again` reads the configuration. A site on a
    /// terminal leaves the signal to the system, which ends the process when its terminal goes,
    /// unless it has certificates or credentials.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(crate) fn on_signal(
        self,
        again: impl Fn() -> Result<Loaded, Complaint> + Send + 'static,
    ) -> io::Result<()> {
        let files = self.reloader.has_certificates() || self.credentials.is_some();
        if !files && io::stdin().is_terminal() {
            return Ok(());
        }
        let mut signals = Signals::new([SIGHUP])?;
        let mut before = again().ok();
        let listen = move || {
            for _signal in signals.forever() {
                self.certificates();
                self.credentials();
                match again() {
                    Ok(loaded) => {
                        self.configuration(before.as_ref(), &loaded);
                        before = Some(loaded);
                    }
                    Err(complaint) => {
                        let error = complaint.cause;
                        tracing::error!(error, "the old configuration stays in use");
                    }
                }
            }
        };
        std::thread::Builder::new().name("reload".to_owned()).spawn(listen)?;
        Ok(())
    }

    fn certificates(&self) {
        for (listener, outcome) in self.reloader.reload() {
            match outcome {
                Ok(()) => tracing::info!(listener, "certificates were read again"),
                Err(fault) => {
                    self.meter.count(Event::CertificateRefused);
                    let error = chain(&fault);
                    tracing::error!(listener, error, "the old certificates stay in use");
                }
            }
        }
    }

    fn credentials(&self) {
        let Some(file) = &self.credentials else { return };
        match file.reload() {
            Ok(count) => tracing::info!(count, "credentials were read again"),
            Err(fault) => {
                let (path, error) = (file.path.display(), chain(&fault));
                tracing::error!(%path, error, "the old credentials stay in use");
            }
        }
    }

    fn configuration(&self, before: Option<&Loaded>, now: &Loaded) {
        for (key, value, _) in now.rows().filter(|(key, ..)| !key.starts_with(LIMITS)) {
            let old = before.and_then(|before| before.rows().find(|(known, ..)| *known == key));
            // Of a list of listeners the limits hold at once, and nothing else does.
            if old.is_some_and(|(_, old, _)| old != value) {
                tracing::warn!(key, "takes effect when the site starts again");
            }
        }
        let site = serve::limits(&now.config, self.anonymous);
        let listeners = match serve::listeners(&now.config, self.anonymous) {
            Ok(listeners) => listeners,
            Err(fault) => return tracing::error!(%fault, "the old limits stay in use"),
        };
        let limits: Vec<Limits> = listeners.iter().map(|listener| listener.limits).collect();
        match self.reloader.set_limits(&site, &limits) {
            Ok(()) => tracing::info!("the configuration was read again"),
            Err(fault) => tracing::error!(%fault, "a shard cannot be woken"),
        }
    }
}

//! Devices that somebody wants forgotten, as the HTTP API asks for them: the wish is a record.

use std::sync::Arc;

use api::{Erasure, NotErased};
use edge::Clock;
use history::{Erasing, Reader};
use journal::{Journal, Pending};
use model::erasure::encode_erasure;
use model::{Horizon, Position};
use registry::Registry;

#[derive(Debug)]
pub(crate) struct Eraser {
    pub(crate) journal: Journal,
    pub(crate) registry: Arc<Registry>,
    pub(crate) reader: Reader,
    pub(crate) horizon: Arc<Horizon>,
    pub(crate) clock: Clock,
}

impl Eraser {
    /// A device without readings is in the registry only, one whose registry was lost in history
    /// only.
    fn knows(&self, device: &str) -> bool {
        self.registry.directory().by_handle(device).is_some()
            || !self.reader.view(self.horizon.committed()).series_of(device).is_empty()
    }
}

impl api::Devices for Eraser {
    fn erase(&self, device: &str) -> Result<Position, NotErased> {
        if !self.knows(device) {
            return Err(NotErased::Unknown);
        }
        let erasure = model::Erasure { at: self.clock.now().timestamp, device };
        let mut pending = Pending::default();
        pending
            .push_with(|out| encode_erasure(&erasure, out))
            .map_err(|_too_large| NotErased::Unknown)?;
        self.journal.submit(&mut pending).map_err(|_full| NotErased::Full)
    }

    fn erasures(&self) -> Vec<Erasure> {
        let committed = self.horizon.committed().position();
        let erasures = self.reader.erasures().into_iter();
        erasures.filter(|erasing| erasing.position <= committed).map(told).collect()
    }

    fn has_messages_before(&self, position: Position) -> bool {
        self.journal.stats().first < position
    }
}

const fn told(erasing: Erasing) -> Erasure {
    let Erasing { position, series, is_flushed: flushed, files, unreadable, leaving } = erasing;
    Erasure { position, series, flushed, files, unreadable, leaving }
}

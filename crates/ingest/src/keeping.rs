//! How long the readings of devices stay, by their types: history knows devices by name only.

use std::collections::BTreeMap;
use std::sync::Arc;

use history::{Keep, Keeping};
use registry::Registry;

/// By the name of a type, which is that of its SQL table.
#[derive(Debug)]
pub(crate) struct ByType {
    registry: Arc<Registry>,
    keeps: BTreeMap<String, Keep>,
}

impl ByType {
    pub(crate) const fn new(registry: Arc<Registry>, keeps: BTreeMap<String, Keep>) -> Self {
        Self { registry, keeps }
    }
}

impl Keeping for ByType {
    fn of(&self, device: &str) -> Keep {
        let directory = self.registry.directory();
        let known = directory.by_handle(device).and_then(|index| directory.get(index));
        known.and_then(|known| self.keeps.get(&*known.device_type)).copied().unwrap_or_default()
    }

    fn all(&self) -> Vec<Keep> {
        self.keeps.values().copied().collect()
    }
}

//! What several tests of commands need.

use std::sync::Arc;

use history::storage::memory::Memory;
use model::{Horizon, Position, Timestamp};
use query::{Catalog, DeviceRow, Engine, Limits, MessageScan, Messages};

#[derive(Debug)]
struct Nobody;

impl Catalog for Nobody {
    fn devices(&self) -> Vec<DeviceRow> {
        Vec::new()
    }

    fn messages(&self, _scan: MessageScan) -> Messages {
        Box::new(std::iter::empty())
    }
}

/// SQL of a site that has heard nothing yet.
pub(crate) fn empty_engine() -> Engine {
    let storage = Arc::new(Memory::default());
    let options = history::Options::new("unused");
    let (_, reader, _) = history::open_on(storage, options, Timestamp::EPOCH).unwrap();
    let (horizon, ..) = Horizon::new(Position::ZERO, &["history"], Box::new(drop));
    Engine::new(reader, horizon, Arc::new(Nobody), Limits::default()).unwrap()
}

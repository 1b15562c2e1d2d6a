//! What one statement sees: a snapshot, and the names of its tables.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::common::DataFusionError;
use history::{Reader, SeriesId, View};
use model::{Horizon, Timestamp};

use crate::catalog::{Catalog, DeviceRow};
use crate::names::{NameCache, Names};
use crate::table::completeness::{Completeness, DayCache};
use crate::table::hours::Hours;
use crate::table::labels::LabelCache;
use crate::table::latest::{Kind, LastValues};
use crate::table::messages::MessageTable;
use crate::table::readings::Readings;
use crate::table::whole::{self, Whole};
use crate::table::wide::Wide;
use crate::work::Work;

/// Tables that every site has; a device type of such a name becomes `<name>_type`.
pub(crate) const CORE: [&str; 8] =
    ["completeness", "devices", "hours", "labels", "latest", "messages", "readings", "signals"];

/// Where snapshots come from.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) reader: Reader,
    pub(crate) horizon: Arc<Horizon>,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) names: NameCache,
    pub(crate) labels: Arc<LabelCache>,
    pub(crate) days: Arc<DayCache>,
    pub(crate) work: Arc<Work>,
}

impl Site {
    pub(crate) fn snapshot(&self) -> Snapshot {
        let view = self.reader.view(self.horizon.committed());
        let begun = jiff::Timestamp::now().as_millisecond();
        Snapshot {
            begun: Timestamp::from_millis(begun),
            names: self.names.of(&view),
            view,
            catalog: Arc::clone(&self.catalog),
            labels: Arc::clone(&self.labels),
            days: Arc::clone(&self.days),
            work: Arc::clone(&self.work),
            devices: OnceLock::new(),
            types: OnceLock::new(),
        }
    }
}

/// One moment of the site. All tables of a statement come from it.
pub(crate) struct Snapshot {
    /// When its statement began, by the clock that `now()` has.
    pub(crate) begun: Timestamp,
    pub(crate) view: View,
    pub(crate) names: Names,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) labels: Arc<LabelCache>,
    pub(crate) days: Arc<DayCache>,
    pub(crate) work: Arc<Work>,
    pub(crate) devices: OnceLock<Vec<DeviceRow>>,
    pub(crate) types: OnceLock<Types>,
}

/// The series of each device type, by the name of its table.
pub(crate) type Types = BTreeMap<String, Vec<SeriesId>>;

impl fmt::Debug for Snapshot {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Snapshot")
            .field("position", &self.view.position())
            .finish_non_exhaustive()
    }
}

impl Snapshot {
    pub(crate) fn devices(&self) -> &[DeviceRow] {
        self.devices.get_or_init(|| {
            let mut rows = self.catalog.devices();
            rows.sort_by(|one, other| one.device.cmp(&other.device));
            rows
        })
    }

    pub(crate) fn types(&self) -> &Types {
        self.types.get_or_init(|| {
            let mut types = Types::new();
            let devices = self.devices();
            self.view.each_device(|device, series| {
                let found = devices.binary_search_by(|row| row.device.as_str().cmp(device));
                if let Some(row) = found.ok().and_then(|index| devices.get(index)) {
                    types.entry(table_name(&row.device_type)).or_default().extend(series);
                }
            });
            types
        })
    }

    pub(crate) fn table_names(&self) -> Vec<String> {
        CORE.iter().map(|name| (*name).to_owned()).chain(self.types().keys().cloned()).collect()
    }
}

fn table_name(device_type: &str) -> String {
    if CORE.contains(&device_type) { format!("{device_type}_type") } else { device_type.to_owned() }
}

/// Whether it is what `Tables` gives under this name: other tables of a plan may be called so, too.
pub(crate) fn is_own(provider: &dyn TableProvider, name: &str) -> bool {
    let provider: &dyn Any = provider;
    match name {
        "readings" => provider.is::<Readings>(),
        "hours" => provider.is::<Hours>(),
        "messages" => provider.is::<MessageTable>(),
        "latest" | "signals" => provider.is::<LastValues>(),
        "completeness" => provider.is::<Completeness>(),
        "devices" | "labels" => provider.is::<Whole>(),
        _type => provider.is::<Wide>(),
    }
}

/// The tables of a snapshot, made when a statement names them.
#[derive(Debug)]
pub(crate) struct Tables(pub(crate) Arc<Snapshot>);

impl Tables {
    /// `None` when there is none of this name.
    pub(crate) fn get(
        &self,
        name: &str,
    ) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let snapshot = || Arc::clone(&self.0);
        Ok(Some(match name {
            "readings" => Arc::new(Readings(snapshot())),
            "hours" => Arc::new(Hours(snapshot())),
            "messages" => Arc::new(MessageTable(snapshot())),
            "latest" => Arc::new(LastValues::new(snapshot(), Kind::Latest)),
            "signals" => Arc::new(LastValues::new(snapshot(), Kind::Signals)),
            "completeness" => Arc::new(Completeness(snapshot())),
            "devices" => Arc::new(Whole::new(whole::Kind::Devices, &self.0)?),
            "labels" => Arc::new(Whole::new(whole::Kind::Labels, &self.0)?),
            other => match self.0.types().get(other) {
                Some(series) => Arc::new(Wide::new(snapshot(), series)),
                None => return Ok(None),
            },
        }))
    }
}

#[async_trait]
impl SchemaProvider for Tables {
    fn table_names(&self) -> Vec<String> {
        self.0.table_names()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        self.get(name)
    }

    fn table_exist(&self, name: &str) -> bool {
        CORE.contains(&name) || self.0.types().contains_key(name)
    }
}

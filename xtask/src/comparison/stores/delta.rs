//! Which files are in a table that Althing wrote, from its log.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::comparison) struct LiveFile {
    /// From the folder of the table on.
    pub path: String,
    pub bytes: u64,
    pub rows: u64,
    /// Of merging: 0 for a flush, 15 for a closed day.
    pub level: u8,
}

#[derive(Deserialize)]
struct Action {
    add: Option<Add>,
    remove: Option<Remove>,
}

#[derive(Deserialize)]
struct Add {
    path: String,
    size: u64,
    #[serde(default)]
    stats: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Remove {
    path: String,
}

/// All versions are there: checkpoints only save time.
pub(in crate::comparison) fn live_files(table: &Path) -> Result<Vec<LiveFile>> {
    let log = table.join("_delta_log");
    let mut versions = Vec::new();
    for entry in std::fs::read_dir(&log).with_context(|| format!("no table in {log:?}"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            versions.push(path);
        }
    }
    versions.sort();
    let mut live = BTreeMap::new();
    for version in versions {
        let text = std::fs::read_to_string(&version)?;
        apply(&text, &mut live).with_context(|| format!("{} is odd", version.display()))?;
    }
    Ok(live.into_values().collect())
}

fn apply(version: &str, live: &mut BTreeMap<String, LiveFile>) -> Result<()> {
    for line in version.lines() {
        let action: Action = serde_json::from_str(line)?;
        if let Some(Remove { path }) = action.remove {
            live.remove(&path);
        }
        if let Some(add) = action.add {
            let stats: Value = serde_json::from_str(&add.stats).unwrap_or_default();
            let level = add.tags.get("althing.level").and_then(|level| level.parse().ok());
            let file = LiveFile {
                path: add.path.clone(),
                bytes: add.size,
                rows: stats.get("numRecords").and_then(Value::as_u64).unwrap_or_default(),
                level: level.unwrap_or_default(),
            };
            live.insert(add.path, file);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

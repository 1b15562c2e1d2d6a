//! The table of allowed edges between our crates, against what cargo sees.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::{Dependency, DependencyKind, Metadata, Package};
use serde::Deserialize;

/// Heavy, and behind one wall.
const SQL_ENGINE: &str = "datafusion";
const SQL_CRATE: &str = "query";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    level: u32,
    uses: Vec<String>,
}

pub type Table = BTreeMap<String, Place>;

/// # Errors
/// When the table cannot be read.
pub fn read(root: &Path) -> Result<Table> {
    let path = root.join("xtask/crate-edges.toml");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(toml::from_str(&text)?)
}

/// What is wrong, a line each.
#[must_use]
pub fn faults(table: &Table, workspace: &Metadata) -> Vec<String> {
    let packages = workspace.workspace_packages();
    let mut faults = table_faults(table);
    for package in &packages {
        faults.extend(package_faults(table, package, &packages));
    }
    let known = |name: &String| packages.iter().any(|package| package.name.as_str() == name);
    faults.extend(
        table.keys().filter(|name| !known(name)).map(|name| format!("there is no crate {name}")),
    );
    faults
}

fn table_faults(table: &Table) -> Vec<String> {
    let edges = table.iter().flat_map(|(name, place)| place.uses.iter().map(move |to| (name, to)));
    let level = |name: &String| table.get(name).map(|place| place.level);
    edges
        .filter(|(from, to)| level(to) >= level(from))
        .map(|(from, to)| format!("{to} is not below {from}, so {from} may not use it"))
        .collect()
}

fn package_faults(table: &Table, package: &Package, packages: &[&Package]) -> Vec<String> {
    let name = package.name.as_str();
    let Some(place) = table.get(name) else {
        return vec![format!("{name} is not in xtask/crate-edges.toml")];
    };
    let mut faults = Vec::new();
    for dependency in &package.dependencies {
        let to = &dependency.name;
        let ours = packages.iter().any(|package| package.name.as_str() == to);
        if ours && !allows(table, place, dependency) {
            faults.push(format!("{name} uses {to}, which the table does not allow"));
        }
        if to.starts_with(SQL_ENGINE) && name != SQL_CRATE {
            faults.push(format!("{name} names {to}; only {SQL_CRATE} may"));
        }
    }
    faults
}

/// A test may stand on any lower level: it is no part of what runs.
fn allows(table: &Table, place: &Place, dependency: &Dependency) -> bool {
    let lower = || table.get(&dependency.name).is_some_and(|other| other.level < place.level);
    place.uses.contains(&dependency.name)
        || (dependency.kind == DependencyKind::Development && lower())
}

#[cfg(test)]
mod tests;

//! The one place that reads the environment.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{ConfigFault, Flag, Sources};

const FILE: &str = "althing.toml";
const FILE_VARIABLE: &str = "ALTHING_CONFIG";

/// Reads the file that was asked for, or `althing.toml` in the working directory if there is one,
/// and the environment.
///
/// # Errors
/// When a file that was asked for cannot be read.
pub(crate) fn sources(asked: Option<&Path>, flags: Vec<Flag>) -> Result<Sources, ConfigFault> {
    let environment: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let named = environment.iter().find(|(name, _)| name == FILE_VARIABLE);
    let asked = asked.map(Path::to_owned).or_else(|| named.map(|(_, path)| PathBuf::from(path)));
    let path = asked.clone().unwrap_or_else(|| PathBuf::from(FILE));
    let file = match fs::read_to_string(&path) {
        Ok(text) => Some((path, text)),
        Err(cause) if asked.is_none() && cause.kind() == ErrorKind::NotFound => None,
        Err(source) => return Err(ConfigFault::File { path, source }),
    };
    Ok(Sources { file, environment, flags })
}

/// Where the prompt keeps its history; `None` without a home.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this module reads the environment")]
pub(crate) fn state_folder() -> Option<PathBuf> {
    let folder = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    Some(folder.filter(|path| path.is_absolute()).or_else(home)?.join("althing"))
}

//! The house rules that no compiler knows, as ordinary tests.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::{edges, step};

/// Longer files want to be two; from the second figure on they have to be.
const LINES_WISHED: usize = 400;
const LINES_MAX: usize = 800;

/// Put together, so that this file does not break its own rules.
const UNFINISHED: &str = concat!("FIX", "ME");
const IGNORED: &str = concat!("#[", "ignore");
const SLEEP: &str = concat!("sleep", "(");

/// A file of ours, with its path from the root.
#[derive(Clone, Debug)]
pub struct Source {
    pub path: PathBuf,
    pub text: String,
}

/// # Errors
/// When a rule is broken.
pub fn run() -> Result<()> {
    let workspace = step::workspace()?;
    let root = workspace.workspace_root.as_std_path();
    let sources = sources(root)?;
    let mut faults = edges::faults(&edges::read(root)?, &workspace);
    faults.extend(sources.iter().flat_map(source_faults));
    faults.extend(manifest_faults(root)?);
    sources.iter().filter_map(long).for_each(|line| crate::say(&line));
    faults.iter().for_each(|fault| crate::say(fault));
    if !faults.is_empty() {
        bail!("{} rules are broken", faults.len());
    }
    Ok(())
}

/// All Rust of the workspace.
///
/// # Errors
/// When a folder cannot be read.
pub fn sources(root: &Path) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    for folder in ["crates", "sim", "xtask", "bench", "fuzz"] {
        let folder = root.join(folder);
        if folder.exists() {
            collect(root, &folder, &mut found)?;
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Source>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("target") && !path.ends_with("node_modules") {
            collect(root, &path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path)?;
            let path = path.strip_prefix(root)?.to_owned();
            found.push(Source { path, text });
        }
    }
    Ok(())
}

/// What is wrong with one file.
#[must_use]
pub fn source_faults(source: &Source) -> Vec<String> {
    let (path, text) = (source.path.display(), &source.text);
    let mut faults = Vec::new();
    let tests = is_test(&source.path);
    if !tests && !text.starts_with("//!") {
        faults.push(format!("{path} does not begin with //!, what it is for"));
    }
    if !tests && text.lines().count() > LINES_MAX {
        faults.push(format!("{path} has more than {LINES_MAX} lines"));
    }
    if text.contains(UNFINISHED) {
        faults.push(format!("{path} is unfinished: {UNFINISHED}"));
    }
    if text.contains(IGNORED) {
        faults.push(format!("{path} has a test that is not run"));
    }
    if tests && text.contains(SLEEP) {
        faults.push(format!("{path} sleeps: wait for an event"));
    }
    if source.path.ends_with("mod.rs") {
        faults.push(format!("{path}: a module is x.rs beside x/"));
    }
    faults
}

pub(crate) fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests")
}

fn long(source: &Source) -> Option<String> {
    let lines = source.text.lines().count();
    let long = !is_test(&source.path) && lines > LINES_WISHED;
    long.then(|| format!("{} has {lines} lines; {LINES_WISHED} is long", source.path.display()))
}

/// Every crate takes the lints of the workspace.
///
/// # Errors
/// When a manifest cannot be read.
pub fn manifest_faults(root: &Path) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for package in step::workspace()?.workspace_packages() {
        let text = std::fs::read_to_string(&package.manifest_path)?;
        let manifest: toml::Table = toml::from_str(&text)?;
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        if lints.and_then(toml::Value::as_bool) != Some(true) {
            let path = package.manifest_path.strip_prefix(root).unwrap_or(&package.manifest_path);
            faults.push(format!("{path} lacks [lints] workspace = true"));
        }
    }
    Ok(faults)
}

#[cfg(test)]
mod tests;

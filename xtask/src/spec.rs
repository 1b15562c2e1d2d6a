//! `cargo xtask spec`: the statements of the standards beside the code that obeys them.
//!
//! `specs/*.toml` lists the statements; a comment `//= mqtt-v5 MQTT-3.1.0-2` above code says that the
//! code obeys one, and with the word `test` behind it above a test, that the test proves it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::{step, tidy};

mod citations;
mod coverage;
mod list;

use citations::Citation;
use coverage::Coverage;
use list::Standard;

#[derive(Clone, Debug, Default, Args)]
pub struct Plan {
    /// Fails when a statement for servers has neither a citation nor an exception.
    #[arg(long)]
    pub check: bool,
    /// Every statement with its state, not only the figures.
    #[arg(long)]
    pub all: bool,
}

/// Where a statement is cited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Places {
    code: Vec<PathBuf>,
    tests: Vec<PathBuf>,
}

/// By standard and number.
type Cited = BTreeMap<(String, String), Places>;

/// # Errors
/// When a citation names what no list has, or, if asked, when a statement is open.
pub fn run(plan: &Plan) -> Result<()> {
    let root = step::root()?;
    let standards = list::read_all(&root.join("specs"))?;
    let mut citations = Vec::new();
    let mut faults = Vec::new();
    for source in tidy::sources(&root)?.iter().filter(|source| source.path.starts_with("crates")) {
        citations::of_source(source, &mut citations, &mut faults);
    }
    let cited = collect(&standards, citations, &mut faults);
    for standard in &standards {
        let coverage = Coverage::of(standard, &cited);
        crate::say(&coverage.to_string());
        if plan.all {
            crate::say(&coverage.details());
        }
        faults.extend(coverage.contradictions());
        if plan.check {
            faults.extend(coverage.open());
        }
    }
    faults.iter().for_each(|fault| crate::say(fault));
    if !faults.is_empty() {
        bail!("{} statements or citations are wrong", faults.len());
    }
    Ok(())
}

/// Sorts the citations by statement; those of no statement are faults.
fn collect(standards: &[Standard], citations: Vec<Citation>, faults: &mut Vec<String>) -> Cited {
    let mut cited = Cited::new();
    for Citation { standard, number, path, in_test } in citations {
        let known = standards.iter().find(|known| known.name == standard);
        if known.is_none_or(|known| !known.has(&number)) {
            faults.push(format!("{}: {standard} has no {number}", path.display()));
            continue;
        }
        let places = cited.entry((standard, number)).or_default();
        let paths = if in_test { &mut places.tests } else { &mut places.code };
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    cited
}

#[cfg(test)]
mod tests;

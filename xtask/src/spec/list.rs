//! The lists of statements, one file a standard.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// Who has to obey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Who {
    Server,
    Client,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Level {
    #[serde(rename = "MUST")]
    Must,
    #[serde(rename = "MUST NOT")]
    MustNot,
}

impl Level {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::MustNot => "MUST NOT",
        }
    }
}

/// One statement, in our words.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Statement {
    pub(super) who: Who,
    pub(super) level: Level,
    pub(super) text: String,
    /// Why it is not obeyed, not tested, or none of a server's business.
    pub(super) exception: Option<String>,
}

/// Statements by number, in the order of the standard.
pub(super) type Section = BTreeMap<Number, Statement>;

/// The number as it is cited, sorted as a person would.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number {
    parts: Vec<u32>,
    pub(super) text: String,
}

impl Number {
    fn of(text: &str) -> Self {
        let digits = text.split_whitespace().next().unwrap_or_default();
        let parts = digits.split(|letter: char| !letter.is_ascii_digit());
        Self { parts: parts.filter_map(|part| part.parse().ok()).collect(), text: text.to_owned() }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Standard {
    /// As it is cited: the name of the file.
    pub(super) name: String,
    pub(super) title: String,
    pub(super) sections: BTreeMap<Number, Section>,
}

impl Standard {
    /// # Errors
    /// When the text is no list.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self> {
        let mut table: toml::Table = toml::from_str(text)?;
        let title = table.remove("title").and_then(|title| title.as_str().map(str::to_owned));
        let listed: BTreeMap<String, BTreeMap<String, Statement>> = table.try_into()?;
        let mut sections = BTreeMap::new();
        for (section, statements) in listed {
            let statements = statements.into_iter();
            let statements = statements.map(|(number, it)| (Number::of(&number), it)).collect();
            sections.insert(Number::of(&section), statements);
        }
        Ok(Self { name: name.to_owned(), title: title.context("a list has a title")?, sections })
    }

    pub(super) fn has(&self, number: &str) -> bool {
        let number = Number::of(number);
        self.sections.values().any(|section| section.contains_key(&number))
    }
}

/// # Errors
/// When a list cannot be read.
pub(super) fn read_all(folder: &Path) -> Result<Vec<Standard>> {
    let mut standards = Vec::new();
    for entry in std::fs::read_dir(folder).context("specs/ has the lists")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path)?;
            let standard = Standard::parse(&name, &text);
            standards.push(standard.with_context(|| path.display().to_string())?);
        }
    }
    ensure!(!standards.is_empty(), "{} has no lists", folder.display());
    standards.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(standards)
}

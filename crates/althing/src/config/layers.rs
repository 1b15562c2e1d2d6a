//! Lays the sources over each other and remembers where each value came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use toml::{Table, Value};

use super::{Config, ConfigFault, bridge, listener};

/// Names less alike than this are no slip of the finger.
const ALIKE_MIN: f64 = 0.7;
const PREFIX: &str = "ALTHING_";

/// The keys that are lists of tables, the keys of those, and the keys of tables in them.
const LISTS: [(&str, &[&str], Nested); 2] =
    [("mqtt.listener", listener::KEYS, listener::NESTED), (BRIDGE, bridge::KEYS, bridge::NESTED)];
const BRIDGE: &str = "bridge";

/// Tables in a table, by key, and the keys of each.
type Nested = &'static [(&'static str, &'static [&'static str])];

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File { path: PathBuf, line: usize },
    Environment { name: Box<str> },
    Flag { name: &'static str },
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::File { path, line } => write!(out, "{}:{line}", path.display()),
            Self::Environment { name } => write!(out, "environment {name}"),
            Self::Flag { name } => write!(out, "flag --{name}"),
        }
    }
}

/// A flag of the command line that sets a key.
#[derive(Clone, Debug)]
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    /// `section.key`.
    pub(crate) key: &'static str,
    pub(crate) value: String,
}

/// Everything that was said about the configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    pub(crate) file: Option<(PathBuf, String)>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) flags: Vec<Flag>,
}

/// A configuration and where each of its values came from.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    table: Table,
    origins: BTreeMap<String, Origin>,
}

impl Loaded {
    /// Every key, its value as TOML, and its origin, in the order of the sections.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (String, String, Origin)> {
        keys(&self.table).map(|(key, value)| {
            let origin = self.origins.get(&key).cloned().unwrap_or(Origin::Default);
            (key, value.to_string(), origin)
        })
    }
}

/// # Errors
/// The first key that does not exist or has a wrong value. Whether keys agree is asked apart, with
/// `Config::check`, so that what disagrees can be shown.
pub(crate) fn load(sources: &Sources) -> Result<Loaded, ConfigFault> {
    let mut layers = Layers::over_defaults()?;
    if let Some((path, text)) = &sources.file {
        layers.add_file(path, text)?;
    }
    for (name, value) in &sources.environment {
        layers.add_variable(name, value)?;
    }
    for Flag { name, key, value } in &sources.flags {
        let place = Origin::Flag { name };
        let value = layers.as_known(key, value).unwrap_or_else(|| Value::from(value.as_str()));
        layers.set(key, value, place)?;
    }
    let config = read(&layers.table).map_err(|why| ConfigFault::Value {
        key: "the whole".into(),
        why,
        place: Origin::Default,
    })?;
    hide_secrets(&mut layers.table);
    Ok(Loaded { config, table: layers.table, origins: layers.origins })
}

/// What is shown is not what is used.
fn hide_secrets(table: &mut Table) {
    let bridges = table.get_mut(BRIDGE).and_then(Value::as_array_mut).into_iter().flatten();
    for secret in bridges.filter_map(|one| one.get_mut(bridge::SECRET)) {
        *secret = Value::from("…");
    }
}

struct Layers {
    table: Table,
    origins: BTreeMap<String, Origin>,
}

impl Layers {
    fn over_defaults() -> Result<Self, ConfigFault> {
        let table = Table::try_from(Config::default()).map_err(|fault| ConfigFault::Value {
            key: "defaults".into(),
            why: fault.to_string().into(),
            place: Origin::Default,
        })?;
        Ok(Self { table, origins: BTreeMap::new() })
    }

    fn add_file(&mut self, path: &std::path::Path, text: &str) -> Result<(), ConfigFault> {
        let parsed = text.parse::<Table>().map_err(|fault| ConfigFault::Syntax {
            path: path.to_owned(),
            why: fault.to_string().trim_end().into(),
        })?;
        let place = |section: &str, key: &str| Origin::File {
            path: path.to_owned(),
            line: line_of(text, section, key),
        };
        for (section, value) in parsed {
            if self.table.get(&section).is_some_and(Value::is_array) {
                self.set(&section, value, place(&section, ""))?;
                continue;
            }
            let Value::Table(entries) = value else {
                return Err(self.unknown(&section, place("", &section)));
            };
            if !self.table.contains_key(&section) {
                return Err(self.unknown(&section, place(&section, "")));
            }
            for (key, value) in entries {
                self.set(&format!("{section}.{key}"), value, place(&section, &key))?;
            }
        }
        Ok(())
    }

    /// `ALTHING_JOURNAL__KEEP_AGE` is `journal.keep-age`. Variables without the two underscores
    /// belong to others, unless only an underscore is missing.
    fn add_variable(&mut self, name: &str, value: &str) -> Result<(), ConfigFault> {
        let Some(rest) = name.strip_prefix(PREFIX) else { return Ok(()) };
        let place = Origin::Environment { name: name.into() };
        let list = rest.to_ascii_lowercase();
        if self.table.get(&list).is_some_and(Value::is_array) {
            let value = self.as_known(&list, value).unwrap_or_else(|| Value::from(value));
            return self.set(&list, value, place);
        }
        let Some((section, key)) = rest.split_once("__") else {
            let meant = keys(&self.table).map(|(key, _)| variable_of(&key));
            return match meant.into_iter().find(|meant| meant.replace("__", "_") == name) {
                Some(meant) => Err(ConfigFault::UnknownKey {
                    key: name.into(),
                    suggestion: Some(meant.into()),
                    place,
                }),
                None => Ok(()),
            };
        };
        let key = format!("{section}.{key}").to_ascii_lowercase().replace('_', "-");
        let value = self.as_known(&key, value).unwrap_or_else(|| Value::from(value));
        self.set(&key, value, place)
    }

    /// Text in the type of the key, so that `8` is a number where one belongs.
    fn as_known(&self, key: &str, text: &str) -> Option<Value> {
        match self.get(key)? {
            Value::Integer(_) => text.trim().parse().ok().map(Value::Integer),
            Value::Boolean(_) => text.trim().parse().ok().map(Value::Boolean),
            Value::Array(_) | Value::Table(_) => {
                format!("all = {text}").parse::<Table>().ok().and_then(|mut all| all.remove("all"))
            }
            Value::String(_) | Value::Float(_) | Value::Datetime(_) => None,
        }
    }

    fn get(&self, key: &str) -> Option<&Value> {
        let Some((section, key)) = key.split_once('.') else {
            return self.table.get(key).filter(|value| value.is_array());
        };
        self.table.get(section)?.as_table()?.get(key)
    }

    /// The value is tried at once, so that a complaint can name its place.
    fn set(&mut self, key: &str, value: Value, place: Origin) -> Result<(), ConfigFault> {
        if self.get(key).is_none() {
            return Err(self.unknown(key, place));
        }
        if let Some((_, known, nested)) = LISTS.iter().find(|(list, ..)| *list == key) {
            check_list_keys(key, &value, (known, nested), &place)?;
        }
        match key.split_once('.') {
            Some((section, name)) => {
                if let Some(Value::Table(entries)) = self.table.get_mut(section) {
                    entries.insert(name.to_owned(), value);
                }
            }
            None => drop(self.table.insert(key.to_owned(), value)),
        }
        if let Err(why) = read(&self.table) {
            return Err(ConfigFault::Value { key: key.into(), why, place });
        }
        self.origins.insert(key.to_owned(), place);
        Ok(())
    }

    fn unknown(&self, key: &str, place: Origin) -> ConfigFault {
        let sections = self.table.keys().cloned();
        let known: Vec<String> = match key.contains('.') {
            true => keys(&self.table).map(|(key, _)| key).collect(),
            false => sections.chain(keys(&self.table).map(|(key, _)| key)).collect(),
        };
        unknown(key, &known, place)
    }
}

fn unknown(key: &str, known: &[String], place: Origin) -> ConfigFault {
    let likeness = |known: &String| match (known.rsplit_once('.'), key.rsplit_once('.')) {
        // A section in common makes no names alike.
        (Some((section, known)), Some((same, key))) if section == same => {
            strsim::jaro_winkler(known, key)
        }
        (known_parts, _) => {
            let last = known_parts.map_or(known.as_str(), |(_, last)| last);
            strsim::jaro_winkler(known, key).max(strsim::jaro_winkler(last, key))
        }
    };
    let best = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let suggestion = best.filter(|best| likeness(best) >= ALIKE_MIN);
    ConfigFault::UnknownKey {
        key: key.into(),
        suggestion: suggestion.map(|key| key.as_str().into()),
        place,
    }
}

/// The keys of each table of a list, which no default names.
fn check_list_keys(
    list: &str,
    value: &Value,
    (known, nested): (&[&str], Nested),
    place: &Origin,
) -> Result<(), ConfigFault> {
    for table in tables(value) {
        if let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) {
            let full = |key: &str| format!("{list}.{key}");
            let known: Vec<String> = known.iter().map(|key| full(key)).collect();
            return Err(unknown(&full(key), &known, place.clone()));
        }
        for (key, known) in nested {
            if let Some(inner) = table.get(*key) {
                check_list_keys(&format!("{list}.{key}"), inner, (known, &[]), place)?;
            }
        }
    }
    Ok(())
}

/// One table, or those of a list.
fn tables(value: &Value) -> impl Iterator<Item = &Table> {
    let several = value.as_array().into_iter().flatten().filter_map(Value::as_table);
    value.as_table().into_iter().chain(several)
}

fn read(table: &Table) -> Result<Config, Box<str>> {
    let read = Config::deserialize(Value::Table(table.clone()));
    read.map_err(|fault| {
        let text = fault.to_string();
        text.lines().next().unwrap_or_default().into()
    })
}

fn keys(table: &Table) -> impl Iterator<Item = (String, &Value)> {
    table.iter().flat_map(|(section, value)| {
        let list = value.is_array().then(|| (section.clone(), value));
        let entries = value.as_table().into_iter().flatten();
        list.into_iter().chain(entries.map(move |(key, value)| (format!("{section}.{key}"), value)))
    })
}

fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").replace('-', "_").to_ascii_uppercase())
}

/// The line of a key, or of the section when `key` is empty, or of the first table of a list; 1 when it is written in a way that
/// this simple search does not see.
fn line_of(text: &str, section: &str, key: &str) -> usize {
    let mut inside = section.is_empty();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            let header = line.trim_matches(['[', ']']).trim();
            inside = header == section;
            let list = header.strip_prefix(section).and_then(|rest| rest.strip_prefix('.'));
            if (inside && key.is_empty()) || (list == Some(key) && line.starts_with("[[")) {
                return index + 1;
            }
        }
        let dotted = line.strip_prefix(section).and_then(|rest| rest.strip_prefix('.'));
        let named = if inside { Some(line) } else { dotted };
        let rest = named.and_then(|line| line.strip_prefix(key)).filter(|_| !key.is_empty());
        if rest.is_some_and(|rest| rest.trim_start().starts_with('=')) {
            return index + 1;
        }
    }
    1
}

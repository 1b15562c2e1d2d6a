//! What a client sets for its connection and asks for again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use query::postgres::SERVER_VERSION;

/// Settings that programs ask for although nobody set them.
const DEFAULTS: &[(&str, &str)] = &[
    ("application_name", ""),
    ("bytea_output", "hex"),
    ("client_encoding", "UTF8"),
    ("client_min_messages", "notice"),
    ("datestyle", "ISO, MDY"),
    ("default_transaction_isolation", "repeatable read"),
    ("default_transaction_read_only", "on"),
    ("extra_float_digits", "1"),
    ("integer_datetimes", "on"),
    ("intervalstyle", "postgres"),
    ("is_superuser", "off"),
    ("lc_collate", "C"),
    ("lc_ctype", "C"),
    ("max_identifier_length", "63"),
    ("search_path", "public"),
    ("server_encoding", "UTF8"),
    ("server_version", SERVER_VERSION),
    ("server_version_num", "160006"),
    ("standard_conforming_strings", "on"),
    ("statement_timeout", "0"),
    ("timezone", "UTC"),
    ("transaction_isolation", "repeatable read"),
    ("transaction_isolation_level", "repeatable read"),
    ("transaction_read_only", "on"),
];

/// Settings of one connection at most, and bytes of each of them.
const COUNT_MAX: usize = 256;
const BYTES_MAX: usize = 1_024;

/// Of one connection.
#[derive(Debug, Default)]
pub(crate) struct Settings(Mutex<BTreeMap<String, String>>);

impl Settings {
    /// `false` when there are too many, or this one is too long.
    pub(crate) fn set(&self, name: &str, value: &str) -> bool {
        let mut known = self.lock();
        let room = known.len() < COUNT_MAX || known.contains_key(name);
        let fits = name.len() + value.len() <= BYTES_MAX;
        if room && fits {
            known.insert(name.to_owned(), value.to_owned());
        }
        room && fits
    }

    pub(crate) fn reset(&self) {
        self.lock().clear();
    }

    /// `None` for a setting that does not exist.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let name = if name == "time_zone" { "timezone" } else { name };
        let default = DEFAULTS.iter().find(|(known, _)| *known == name);
        self.lock().get(name).cloned().or_else(|| default.map(|(_, value)| (*value).to_owned()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{COUNT_MAX, Settings};

    #[test]
    fn a_setting_is_what_was_set_or_what_it_is_by_itself() {
        let settings = Settings::default();
        assert_eq!(settings.get("timezone").as_deref(), Some("UTC"));
        assert_eq!(settings.get("time_zone").as_deref(), Some("UTC"));
        assert!(settings.set("timezone", "Europe/Berlin"));
        assert_eq!(settings.get("timezone").as_deref(), Some("Europe/Berlin"));
        assert_eq!(settings.get("no_such_setting"), None);
        settings.reset();
        assert_eq!(settings.get("timezone").as_deref(), Some("UTC"));
    }

    #[test]
    fn a_connection_has_room_for_so_many() {
        let settings = Settings::default();
        assert!((0..COUNT_MAX).all(|number| settings.set(&number.to_string(), "x")));
        assert!(!settings.set("one more", "x"));
        assert!(settings.set("0", "y"), "one that is known");
        assert!(!settings.set("1", &"x".repeat(2_000)));
    }
}

//! Units of measurement: one table of UCUM codes with what people print and devices write.
//!
//! `base = value * factor + offset` within one dimension; there is no other conversion.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

/// Longer text is no unit, and not worth rewriting.
const UNIT_TEXT_BYTES_MAX: usize = 32;

/// A row of the table: a unit that Althing knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit(u16);

struct Row {
    code: &'static str,
    dimension: &'static str,
    factor: f64,
    offset: f64,
    print: &'static str,
}

struct Table {
    rows: Vec<Row>,
    by_code: BTreeMap<&'static str, Unit>,
    by_alias: BTreeMap<&'static str, Unit>,
    by_senml: BTreeMap<&'static str, Unit>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("units.csv")));

impl Table {
    /// The table is part of the program and checked by a test, so a bad row is skipped here.
    fn parse(csv: &'static str) -> Self {
        let mut table = Self {
            rows: Vec::new(),
            by_code: BTreeMap::new(),
            by_alias: BTreeMap::new(),
            by_senml: BTreeMap::new(),
        };
        for line in csv.lines().skip(1) {
            let fields: Vec<&'static str> = line.split(',').collect();
            if let &[code, dimension, _, factor, offset, print, senml, _, aliases] = &fields[..] {
                let factor = factor.parse().unwrap_or(1.0);
                let offset = offset.parse().unwrap_or(0.0);
                table.rows.push(Row { code, dimension, factor, offset, print });
                let unit = Unit(u16::try_from(table.rows.len() - 1).unwrap_or_default());
                table.by_code.entry(code).or_insert(unit);
                // Several names of SenML may mean one unit: `lat lon deg`.
                table.by_senml.extend(senml.split_whitespace().map(|name| (name, unit)));
                for alias in aliases.split('|').filter(|alias| !alias.is_empty()) {
                    table.by_alias.entry(alias).or_insert(unit);
                }
            }
        }
        table
    }
}

impl Unit {
    pub fn all() -> impl Iterator<Item = Self> {
        (0..TABLE.rows.len()).filter_map(|index| u16::try_from(index).ok().map(Unit))
    }

    /// By its UCUM code, case-sensitive: `Cel`, `kW.h`.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        TABLE.by_code.get(code).copied()
    }

    /// By what devices write: `°C`, `degC`, `kWh`.
    #[must_use]
    pub fn from_alias(alias: &str) -> Option<Self> {
        TABLE.by_alias.get(alias).copied()
    }

    /// By its name in SenML (RFC 8428, RFC 8798).
    #[must_use]
    pub fn from_senml(name: &str) -> Option<Self> {
        TABLE.by_senml.get(name).copied()
    }

    /// By unit text as a message carries it: an alias or a code, with the look-alikes of typography
    /// (`μ` for `µ`, `m³`, `W⋅m⁻²`) read as what they mean. `None` is never a guess.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let known = |text: &str| Self::from_alias(text).or_else(|| Self::from_code(text));
        known(text).or_else(|| {
            if text.len() > UNIT_TEXT_BYTES_MAX {
                return None;
            }
            let signs = text.replace('\u{3bc}', "\u{b5}").replace('\u{ba}', "\u{b0}");
            let plain = || plain_digits(&signs);
            known(&signs)
                .or_else(|| known(&plain()))
                .or_else(|| known(&plain().replace('\u{b5}', "u")))
                .or_else(|| known(&divided(&plain().replace('\u{b5}', "u"))))
        })
    }

    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().map_or("", |row| row.code)
    }

    /// As people write it: `°C`.
    #[must_use]
    pub fn print(self) -> &'static str {
        self.row().map_or("", |row| row.print)
    }

    #[must_use]
    pub fn dimension(self) -> &'static str {
        self.row().map_or("", |row| row.dimension)
    }

    /// `None` between dimensions: kilowatts are no kilowatt-hours.
    #[must_use]
    pub fn convert(self, value: f64, to: Self) -> Option<f64> {
        let (from, to) = (self.row()?, to.row()?);
        if from.dimension != to.dimension {
            return None;
        }
        Some((value * from.factor + from.offset - to.offset) / to.factor)
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.rows.get(usize::from(self.0))
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Unit({})", self.code())
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

/// Superscripts as digits and all signs of multiplication as the `.` of UCUM.
fn plain_digits(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '⁰' => '0',
            '¹' => '1',
            '²' => '2',
            '³' => '3',
            '⁴' => '4',
            '⁵' => '5',
            '⁶' => '6',
            '⁷' => '7',
            '⁸' => '8',
            '⁹' => '9',
            '⁻' => '-',
            '⋅' | '·' | '*' => '.',
            other => other,
        })
        .collect()
}

/// `W.m-2` as `W/m2`, the form the table has.
fn divided(text: &str) -> String {
    let mut out = String::new();
    for (place, factor) in text.split('.').enumerate() {
        match factor.split_once('-') {
            Some((unit, power)) if place > 0 && !unit.is_empty() && !power.is_empty() => {
                out.push('/');
                out.push_str(unit);
                out.push_str(if power == "1" { "" } else { power });
            }
            _ => {
                out.push_str(if place > 0 { "." } else { "" });
                out.push_str(factor);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_text_is_read_as_it_was_meant() {
        let code = |text| Unit::from_text(text).map(Unit::code);
        for (text, expected) in [
            (" °C ", "Cel"),
            ("ºC", "Cel"),
            ("Cel", "Cel"),
            ("W⋅m⁻²", "W/m2"),
            ("W/m²", "W/m2"),
            ("m·s⁻¹", "m/s"),
            ("μg/m³", "ug/m3"),
            ("µS/cm", "uS/cm"),
            ("μmol/m²/s", "umol/m2/s"),
            ("m³/h", "m3/h"),
            ("N*m", "N.m"),
            ("kW.h", "kW.h"),
            ("kWh", "kW.h"),
        ] {
            assert_eq!(code(text), Some(expected), "{text}");
        }
        for unknown in ["", "blobs", "kwH", "°X", "m⁹", "W.m-3", ".-", "-1"] {
            assert_eq!(code(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn every_alias_and_every_print_form_finds_a_unit_of_its_row() {
        for line in include_str!("units.csv").lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let row = Unit::from_code(fields[0]).unwrap();
            for alias in fields[8].split('|').filter(|alias| !alias.is_empty()) {
                assert_eq!(Unit::from_text(alias), Some(row), "alias {alias}");
            }
            for senml in fields[6].split(' ').filter(|name| !name.is_empty()) {
                assert_eq!(Unit::from_senml(senml), Some(row), "SenML {senml}");
            }
        }
    }

    #[test]
    fn conversion_there_and_back_is_the_same_number() {
        for from in Unit::all() {
            for to in Unit::all().filter(|to| to.dimension() == from.dimension()) {
                let there = from.convert(21.5, to).unwrap();
                let back = to.convert(there, from).unwrap();
                assert!((back - 21.5).abs() < 1e-6, "{from} {to}: {back}");
            }
        }
    }

    #[test]
    fn every_row_of_the_table_was_read() {
        let rows = include_str!("units.csv").lines().skip(1).count();
        assert_eq!(Unit::all().count(), rows);
        assert!(Unit::all().all(|unit| Unit::from_code(unit.code()) == Some(unit)));
    }

    #[test]
    fn units_convert_within_a_dimension_only() {
        let (celsius, fahrenheit) =
            (Unit::from_alias("°C").unwrap(), Unit::from_alias("°F").unwrap());
        let boiling = celsius.convert(100.0, fahrenheit).unwrap();
        assert!((boiling - 212.0).abs() < 1e-9);
        assert_eq!(celsius.convert(1.0, Unit::from_code("V").unwrap()), None);
    }
}

//! Units of measurement: one table of UCUM codes with what people print and devices write.
//!
//! `base = value * factor + offset` within one dimension; there is no other conversion.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

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
                table.by_senml.extend((!senml.is_empty()).then_some((senml, unit)));
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

#[cfg(test)]
mod tests {
    use super::*;

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

//! Real data sets, from files of CSV that are packed with gzip. Their numbers are stored, and of a device
//! and a moment the first row.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use csv::StringRecord;
use flate2::read::MultiGzDecoder;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::sets::{Set, Table};

struct Real {
    name: &'static str,
    /// The folder in it that has the measurements.
    below: &'static str,
    /// How the names of its files end.
    files: &'static str,
    time: Time,
    /// Columns that are no quantities.
    skip: &'static [&'static str],
    /// What is measured, as the name of a table.
    table: &'static str,
}

/// Where a row says when it was.
enum Time {
    Column(&'static str, &'static str),
    /// Year, month, day and hour.
    Columns([&'static str; 4]),
}

const SETS: [Real; 4] = [
    Real {
        name: "beijing-air",
        below: "",
        files: ".csv.gz",
        time: Time::Columns(["year", "month", "day", "hour"]),
        skip: &["No", "year", "month", "day", "hour", "wd", "station"],
        table: "air",
    },
    Real {
        name: "greenhouse",
        below: "",
        files: "GreenhouseClimate.csv.gz",
        time: Time::Column("Date", "%m/%d/%Y %H:%M"),
        skip: &["Date"],
        table: "climate",
    },
    Real {
        name: "nab",
        below: "data",
        files: ".csv.gz",
        time: Time::Column("timestamp", "%Y-%m-%d %H:%M:%S"),
        skip: &["timestamp"],
        table: "nab",
    },
    Real {
        name: "ett",
        below: "",
        files: ".csv.gz",
        time: Time::Column("date", "%Y-%m-%d %H:%M:%S"),
        skip: &["date"],
        table: "transformer",
    },
];

/// A year of hours: a site has a file for each day, and closing thousands takes long.
const ROWS_MAX: usize = 24 * 365;

/// Those that are there.
pub(super) fn names(data: &Path) -> Vec<String> {
    let there = SETS.iter().filter(|set| data.join(set.name).is_dir());
    there.map(|set| set.name.to_owned()).collect()
}

pub(super) fn make(name: &str, data: &Path, folder: &Path) -> Result<Set> {
    let real = SETS.iter().find(|set| set.name == name).context("no such set")?;
    std::fs::create_dir_all(folder)?;
    let mut files = Vec::new();
    find(&data.join(name).join(real.below), real.files, &mut files)?;
    files.sort();
    ensure!(!files.is_empty(), "no file ends with {}", real.files);
    let (points, rows) = (folder.join("points.lp"), folder.join("rows.csv"));
    let mut writer = Copyist {
        real,
        points: BufWriter::new(File::create(&points)?),
        rows: BufWriter::new(File::create(&rows)?),
        columns: Vec::new(),
        values: 0,
    };
    for (number, file) in files.iter().enumerate() {
        let done = writer.copy(file, &format!("{name}{number}"));
        done.with_context(|| format!("{} is not as expected", file.display()))?;
    }
    writer.points.flush()?;
    writer.rows.flush()?;
    let (columns, values) = (writer.columns, writer.values);
    let table = Table { name: real.table, rows, columns };
    let points_of_series = points.clone();
    let name = name.to_owned();
    Ok(Set { name, points, points_of_series, precision: "s", tables: vec![table], values })
}

fn find(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, ending, found)?;
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    Ok(())
}

struct Copyist {
    real: &'static Real,
    points: BufWriter<File>,
    rows: BufWriter<File>,
    /// Of the first file; all others have the same.
    columns: Vec<String>,
    values: u64,
}

impl Copyist {
    fn copy(&mut self, file: &Path, device: &str) -> Result<()> {
        let mut reader = csv::Reader::from_reader(MultiGzDecoder::new(File::open(file)?));
        let head = reader.headers()?.clone();
        let places: Vec<usize> =
            (0..head.len()).filter(|it| !self.real.skip.contains(&name(&head, *it))).collect();
        let columns: Vec<String> = places.iter().map(|it| plain(name(&head, *it))).collect();
        if self.columns.is_empty() {
            self.columns = columns;
        } else {
            ensure!(self.columns == columns, "its columns are {columns:?}");
        }
        let mut seen = BTreeSet::new();
        for record in reader.records().take(ROWS_MAX) {
            let record = record?;
            let time_s = self.real.time.of(&head, &record)?;
            if seen.insert(time_s) {
                self.row(device, time_s, places.iter().map(|it| number(&record, *it)))?;
            }
        }
        Ok(())
    }

    fn row(
        &mut self,
        device: &str,
        time_s: i64,
        values: impl Iterator<Item = Option<f64>>,
    ) -> Result<()> {
        let time = jiff::Timestamp::from_second(time_s)?;
        write!(self.rows, "{time},{device}")?;
        let mut fields = Vec::new();
        for (column, value) in self.columns.iter().zip(values) {
            match value {
                Some(value) => {
                    write!(self.rows, ",{value}")?;
                    fields.push(format!("{column}={value}"));
                }
                None => write!(self.rows, ",")?,
            }
        }
        writeln!(self.rows)?;
        if !fields.is_empty() {
            let (table, fields_text) = (self.real.table, fields.join(","));
            writeln!(self.points, "{table},device={device} {fields_text} {time_s}")?;
        }
        self.values += u64::try_from(fields.len())?;
        Ok(())
    }
}

fn name(head: &StringRecord, place: usize) -> &str {
    head.get(place).unwrap_or_default()
}

/// As all stores take it without quotes.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace(|it: char| !it.is_ascii_alphanumeric(), "_")
}

fn number(record: &StringRecord, place: usize) -> Option<f64> {
    record.get(place)?.trim().parse().ok().filter(|it: &f64| it.is_finite())
}

impl Time {
    /// Seconds since 1970, as if it were in UTC.
    fn of(&self, head: &StringRecord, record: &StringRecord) -> Result<i64> {
        let field = |name: &str| {
            let place = head.iter().position(|it| it == name);
            place.and_then(|place| record.get(place)).with_context(|| format!("no {name}"))
        };
        let when = match self {
            Self::Column(name, form) => {
                let text = field(name)?;
                DateTime::strptime(form, text).with_context(|| format!("the time {text:?}"))?
            }
            Self::Columns([year, month, day, hour]) => {
                let date =
                    Date::new(field(year)?.parse()?, field(month)?.parse()?, field(day)?.parse()?)?;
                date.at(field(hour)?.parse()?, 0, 0, 0)
            }
        };
        Ok(TimeZone::UTC.to_timestamp(when)?.as_second())
    }
}

#[cfg(test)]
mod tests;

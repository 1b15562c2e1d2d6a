//! Rows as InfluxDB's line protocol, with times in seconds.

use std::io::{self, Write};

use super::entry::Entry;
use super::truck::{TAG_NAMES, Truck};

/// Which of the tags that were lost on the way are written all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Restored {
    Nothing,
    /// All but the name, for stores that know no truck beside its rows.
    AllButName,
}

pub(super) fn write(
    out: &mut impl Write,
    entry: &Entry,
    truck: &Truck,
    restored: Restored,
) -> io::Result<()> {
    out.write_all(entry.table.name().as_bytes())?;
    for (place, (name, value)) in TAG_NAMES.iter().zip(truck.tags()).enumerate() {
        let lost = entry.lost_tag == Some(place);
        if !lost || place > 0 && restored == Restored::AllButName {
            write!(out, ",{name}={value}")?;
        }
    }
    let mut mark = ' ';
    for (field, value) in entry.fields() {
        let name = entry.table.fields().get(field).unwrap_or(&"");
        let whole = if entry.table.is_whole(field) { "i" } else { "" };
        write!(out, "{mark}{name}={value}{whole}")?;
        mark = ',';
    }
    writeln!(out, " {}", entry.time_s)
}

//! Rows as CSV, for `COPY` of PostgreSQL and for programs that read files.

use std::io::{self, Write};

use jiff::Timestamp;

use super::entry::Entry;
use super::truck::{TAG_NAMES, Truck};

/// What is lost is an empty field.
pub(super) fn write(out: &mut impl Write, entry: &Entry, truck: &Truck) -> io::Result<()> {
    let time = Timestamp::from_second(entry.time_s).map_err(io::Error::other)?;
    write!(out, "{time},")?;
    if entry.has_name() {
        out.write_all(truck.tags().first().map_or(&b""[..], |name| name.as_bytes()))?;
    }
    let mut fields = entry.fields().peekable();
    for place in 0..entry.table.fields().len() {
        match fields.next_if(|(field, _)| *field == place) {
            Some((_, value)) => write!(out, ",{value}")?,
            None => out.write_all(b",")?,
        }
    }
    out.write_all(b"\n")
}

/// What describes each truck, with a first line that says what is what.
pub(super) fn write_trucks(out: &mut impl Write, trucks: &[Truck]) -> io::Result<()> {
    writeln!(out, "{}", TAG_NAMES.join(","))?;
    trucks.iter().try_for_each(|truck| writeln!(out, "{}", truck.tags().join(",")))
}

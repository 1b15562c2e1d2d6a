//! An array of objects, one a line, as they arrive.

use std::io::{self, Read, Write};

use serde::de::{self, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The objects stay as the server wrote them: order of columns and digits of numbers.
pub(super) fn write(reader: impl Read, out: &mut dyn Write) -> io::Result<()> {
    let mut failed = None;
    let mut json = serde_json::Deserializer::from_reader(io::BufReader::new(reader));
    let lines = Lines { out, failed: &mut failed };
    let parsed = lines.deserialize(&mut json).and_then(|()| json.end());
    match failed {
        Some(cause) => Err(cause),
        None => parsed.map_err(io::Error::from),
    }
}

struct Lines<'a> {
    out: &'a mut dyn Write,
    failed: &'a mut Option<io::Error>,
}

impl<'de> DeserializeSeed<'de> for Lines<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Lines<'_> {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while let Some(row) = rows.next_element::<Box<RawValue>>()? {
            if let Err(cause) = writeln!(self.out, "{}", row.get()) {
                *self.failed = Some(cause);
                return Err(de::Error::custom("the output ended"));
            }
        }
        Ok(())
    }
}

//! A sink that writes down what it hears, for tests of sources.

use std::fmt::Write as _;

use model::Timestamp;

use crate::fault::ImportFault;
use crate::sink::{Found, Sink, Skip, Source};

/// What a row brought.
#[derive(Default)]
pub(crate) struct Seen(pub(crate) String);

impl Seen {
    fn say(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").unwrap();
    }
}

impl Sink for Seen {
    fn row(&mut self, _place: u64, _done: u64) -> Result<bool, ImportFault> {
        Ok(true)
    }

    fn reading(&mut self, found: &Found<'_>) -> Result<(), ImportFault> {
        let Found { device, signal, unit, value, at } = found;
        let unit = unit.map_or_else(String::new, |unit| format!(" {unit}"));
        let at = written(*at);
        self.say(format_args!("{device} {signal} {value:?}{unit} @{at}"));
        Ok(())
    }

    fn line(&mut self, database: &str, line: &str) -> Result<(), ImportFault> {
        self.say(format_args!("{database}: {line}"));
        Ok(())
    }

    fn skip(&mut self, why: Skip) {
        self.say(format_args!("left out: {}", why.why()));
    }

    fn passed(&mut self, _done: u64) -> Result<(), ImportFault> {
        Ok(())
    }
}

fn written(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.micros()).unwrap().to_string()
}

/// All that a source hands out.
pub(crate) fn read(source: &mut dyn Source) -> Result<String, ImportFault> {
    let mut seen = Seen::default();
    source.read(&mut seen)?;
    Ok(seen.0)
}

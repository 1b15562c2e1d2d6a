//! Batches, progress, and what is left out, over a source that is a list.

use std::fs;

use model::Unit;

use super::*;

const NOW: i64 = 1_714_816_800_000_000;

/// Rows of one reading each: device, value and micros.
struct List(Vec<(&'static str, Value<'static>, i64)>);

impl Source for List {
    fn extent(&self) -> Extent {
        Extent::Rows(self.0.len() as u64)
    }

    fn identity(&self) -> String {
        format!("{}", self.0.len())
    }

    fn read(&mut self, sink: &mut dyn Sink) -> Result<(), ImportFault> {
        for (number, (device, value, at)) in (1..).zip(&self.0) {
            if sink.row(number, number)? {
                let (unit, at) = (Unit::from_text("°C"), Timestamp::from_micros(*at));
                sink.reading(&Found { device, signal: "t", unit, value: *value, at })?;
            }
        }
        Ok(())
    }
}

/// Takes so many batches, then is overloaded.
struct Gate {
    left: usize,
    taken: Vec<String>,
}

impl Door for Gate {
    fn send(&mut self, batch: Batch<'_>) -> Result<(), DoorFault> {
        if self.left == 0 {
            return Err(DoorFault::Overloaded("full".into()));
        }
        self.left -= 1;
        self.taken.push(match batch {
            Batch::Senml(packs) => packs.to_owned(),
            Batch::Lines { database, points } => format!("{database}\n{points}"),
        });
        Ok(())
    }
}

fn gate(left: usize) -> Gate {
    Gate { left, taken: Vec::new() }
}

fn options() -> Options {
    Options { now: Timestamp::from_micros(NOW), ..Options::default() }
}

fn play(
    source: &mut dyn Source,
    door: Option<&mut dyn Door>,
    options: &Options,
) -> Result<Summary, ImportFault> {
    let door = door.map(|door| door as &mut dyn Door);
    run(source, door, options, (&Stop::default(), &mut |_report| {}))
}

fn many(count: i64) -> List {
    let row = |number: i64| ("d", Value::Number(1.0), NOW - number * 1_000_000);
    List((0..count).map(row).collect())
}

fn readings_in(taken: &[String]) -> usize {
    taken.iter().map(|batch| batch.matches("\"n\":").count()).sum()
}

#[test]
fn a_large_source_goes_in_batches_and_none_is_lost() {
    let mut gate = gate(9);
    let summary = play(&mut many(40_000), Some(&mut gate), &options()).unwrap();
    assert_eq!((summary.rows, summary.survey.readings, summary.batches), (40_000, 40_000, 3));
    assert_eq!(readings_in(&gate.taken), 40_000);
}

#[test]
fn an_interrupted_import_goes_on_where_it_was_taken() {
    let folder = tempfile::tempdir().unwrap();
    let resume = Some(folder.path().join("progress"));
    let options = Options { resume, ..options() };
    let mut first = gate(1);
    let ended = play(&mut many(40_000), Some(&mut first), &options);
    assert!(matches!(ended, Err(ImportFault::Door(DoorFault::Overloaded(_)))), "{ended:?}");
    let mut second = gate(9);
    let summary = play(&mut many(40_000), Some(&mut second), &options).unwrap();
    assert_eq!(summary.rows_resumed, readings_in(&first.taken) as u64);
    assert_eq!(readings_in(&first.taken) + readings_in(&second.taken), 40_000);
    let mut third = gate(0);
    let summary = play(&mut many(40_000), Some(&mut third), &options).unwrap();
    assert_eq!(summary.rows_resumed, 40_000, "nothing is left to be sent");
    let ended = play(&mut many(40_001), Some(&mut gate(9)), &options);
    assert!(matches!(ended, Err(ImportFault::Progress(_))), "another source: {ended:?}");
}

#[test]
fn a_dry_run_sends_and_remembers_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("progress");
    let options = Options { resume: Some(path.clone()), ..options() };
    let summary = play(&mut many(20_000), None, &options).unwrap();
    assert_eq!((summary.survey.readings, summary.batches), (20_000, 0));
    assert!(fs::exists(path).is_ok_and(|there| !there));
}

#[test]
fn what_a_site_would_not_keep_as_it_is_stays_out_and_is_counted() {
    static LONG: [u8; 257] = [b'x'; 257];
    let long = std::str::from_utf8(&LONG).unwrap();
    let name: &'static str = std::str::from_utf8(&[b'n'; 513]).unwrap().to_owned().leak();
    let number = Value::Number(1.0);
    let rows = vec![
        ("d", number, NOW),
        ("d", number, 946_684_799_999_999),
        ("d", number, NOW + 24 * 3_600_000_000),
        (" ", number, NOW),
        ("d", Value::Number(f64::NAN), NOW),
        ("d", Value::Text(""), NOW),
        ("d", Value::Text(long), NOW),
        (name, number, NOW),
    ];
    let mut gate = gate(9);
    let summary = play(&mut List(rows), Some(&mut gate), &options()).unwrap();
    assert_eq!((summary.survey.readings, readings_in(&gate.taken)), (1, 1));
    let skipped: Vec<(Skip, u64, u64)> =
        summary.survey.skipped.iter().map(|(why, it)| (*why, it.count, it.first)).collect();
    let wanted = [
        (Skip::TooEarly, 1, 2),
        (Skip::TooLate, 1, 3),
        (Skip::NoDevice, 1, 4),
        (Skip::NoValue, 1, 6),
        (Skip::NotFinite, 1, 5),
        (Skip::TextTooLong, 1, 7),
        (Skip::NameTooLong, 1, 8),
    ];
    assert_eq!(skipped, wanted);
}

#[test]
fn names_that_a_site_spells_otherwise_are_told() {
    let number = Value::Number(1.0);
    let rows = vec![("kitchen_", number, NOW), ("kitchen_", number, NOW), ("hall", number, NOW)];
    let summary = play(&mut List(rows), None, &options()).unwrap();
    assert_eq!(summary.survey.renamed, 1);
    assert_eq!(summary.survey.renamed_first, Some(("kitchen_".into(), "kitchen".into())));
}

#[test]
fn a_prefix_stands_before_each_device() {
    let options = Options { prefix: "old/".to_owned(), ..options() };
    let mut gate = gate(9);
    let summary = play(&mut many(1), Some(&mut gate), &options).unwrap();
    assert_eq!(summary.survey.examples(9), ["old/d"]);
    assert!(gate.taken[0].contains("\"bn\":\"old/d\""), "{:?}", gate.taken);
}

/// One device with so many signals.
struct Broad(u32);

impl Source for Broad {
    fn extent(&self) -> Extent {
        Extent::Rows(1)
    }

    fn identity(&self) -> String {
        String::new()
    }

    fn read(&mut self, sink: &mut dyn Sink) -> Result<(), ImportFault> {
        assert!(sink.row(1, 1)?);
        let at = Timestamp::from_micros(NOW);
        for number in 0..self.0 {
            let (signal, value) = (format!("s{number}"), Value::Number(1.0));
            sink.reading(&Found { device: "d", signal: &signal, unit: None, value, at })?;
        }
        Ok(())
    }
}

#[test]
fn signals_beyond_those_of_a_device_are_counted_and_not_sent() {
    let mut gate = gate(9);
    let summary = play(&mut Broad(503), Some(&mut gate), &options()).unwrap();
    assert_eq!((summary.survey.readings, readings_in(&gate.taken)), (500, 500));
    assert_eq!(summary.survey.skipped[&Skip::TooManySignals].count, 3);
}

#[test]
fn a_run_that_is_stopped_says_so() {
    let stop = Stop::default();
    stop.stop();
    let (mut gate, options) = (gate(9), options());
    let ended = run(&mut many(5), Some(&mut gate), &options, (&stop, &mut |_report| {}));
    assert!(matches!(ended, Err(ImportFault::Stopped)), "{ended:?}");
    assert!(gate.taken.is_empty());
}

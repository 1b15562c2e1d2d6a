use history::storage::memory::{Memory, Unsynced};
use history::{LatestValue, Reader};
use model::erasure::encode_erasure;
use model::record::encode_message;
use model::{Horizon, Qos, TopicName};

use super::*;

/// Ingest on storage in memory, restarted at will.
struct Bench {
    tables: Memory,
    registry: Arc<Registry>,
    meter: Arc<Meter>,
    retained: Arc<hub::Retained>,
    ingest: Ingest,
    reader: Reader,
}

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

impl Bench {
    fn new() -> Self {
        Self::on(Memory::default(), Arc::new(Registry::in_memory().unwrap()))
    }

    fn on(tables: Memory, registry: Arc<Registry>) -> Self {
        let storage = Arc::new(tables.clone());
        let (writer, reader, resume) =
            history::open_on(storage, history::Options::new(""), NOW).unwrap();
        let (meter, retained) = (Arc::new(Meter::default()), Arc::new(hub::Retained::default()));
        let stores = Stores {
            registry: Arc::clone(&registry),
            retained: Arc::clone(&retained),
            feed: Arc::new(Feed::starting_after(resume.position)),
            meter: Arc::clone(&meter),
        };
        let ingest = Ingest::new(stores, writer, &resume, Zone::default()).unwrap();
        Self { tables, registry, meter, retained, ingest, reader }
    }

    fn take(&mut self, source: Source, messages: &[(&str, &str)]) {
        let records: Vec<Vec<u8>> =
            messages.iter().map(|(topic, payload)| record(topic, payload.as_bytes())).collect();
        self.take_records(source, &records);
    }

    fn take_records(&mut self, source: Source, records: &[Vec<u8>]) {
        let bytes: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        let batch = Batch::of(self.ingest.taken().next(), NOW, &bytes).unwrap();
        assert_eq!(self.ingest.take(&batch, source).unwrap(), Room::Free);
    }

    fn committed(&self) -> Committed {
        Horizon::new(self.ingest.taken(), &[], Box::new(|_| {})).0.committed()
    }

    /// Signals of a device with unit and last value.
    fn signals(&self, device: &str) -> Vec<String> {
        let view = self.reader.view(self.committed());
        let last = |series: history::Series| {
            let latest = view.latest(series.id).unwrap();
            let value = match latest.value {
                LatestValue::Number(number) => number.to_string(),
                LatestValue::Text(text) => text.to_string(),
            };
            let unit = series.unit.map_or("-", model::Unit::code);
            let converted = latest.quality.holds(Quality::CONVERTED);
            format!("{} {value} {unit}{}", series.signal, if converted { " converted" } else { "" })
        };
        view.series_of(device).into_iter().map(last).collect()
    }
}

fn record(topic: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let message = Message {
        received_at: NOW,
        client: "esp32",
        credential: None,
        topic: TopicName::parse(topic).unwrap(),
        payload,
        properties: &[],
        qos: Qos::AtLeastOnce,
        retain: topic.starts_with("kept/"),
    };
    encode_message(&message, &mut out);
    out
}

#[test]
fn a_topic_that_is_kept_as_messages_has_no_devices() {
    let mut bench = Bench::new();
    let chatter = TopicFilter::parse("chatter/#").unwrap();
    bench.ingest.unread = Unread::new(vec![chatter]);
    let body = r#"{"temperature":21.5}"#;
    bench.take(Source::Live, &[("chatter/a", body), ("farm/barn", body)]);
    assert_eq!(bench.meter.total(Event::MessageUnread), 1);
    assert_eq!(bench.meter.total(Event::ReadingStored), 1);
    assert_eq!(bench.signals("farm/barn"), ["temperature 21.5 Cel"]);
}

#[test]
fn a_message_becomes_named_signals_with_units() {
    let mut bench = Bench::new();
    bench.take(Source::Live, &[("farm/barn", r#"{"temperature":21.5,"door":"open"}"#)]);
    assert_eq!(bench.signals("farm/barn"), ["temperature 21.5 Cel", "door open -"]);
    assert_eq!(bench.meter.total(Event::ReadingStored), 2);
}

#[test]
fn a_unit_the_message_states_is_converted_and_one_of_another_dimension_is_another_signal() {
    let mut bench = Bench::new();
    let say = |unit: &str, value: &str| {
        format!(r#"[{{"bn":"urn:dev:ow:1:","n":"t","u":"{unit}","v":{value}}}]"#)
    };
    bench.take(Source::Live, &[("s", &say("Cel", "20"))]);
    bench.take(Source::Live, &[("s", &say("K", "300.15"))]);
    assert_eq!(bench.signals("dev:ow:1"), ["t 27 Cel converted"]);
    bench.take(Source::Live, &[("s", &say("V", "3.3"))]);
    assert_eq!(bench.signals("dev:ow:1"), ["t 27 Cel converted", "t~2 3.3 V"]);
}

#[test]
fn a_unit_that_is_only_assumed_never_changes_a_value() {
    let mut bench = Bench::new();
    bench.take(Source::Live, &[("farm/barn/temperature", "70 °F")]);
    bench.take(Source::Live, &[("farm/barn/temperature", "71")]);
    assert_eq!(bench.signals("farm/barn"), ["temperature 71 [degF]"]);
}

/// Times of all readings of a device's signals, in milliseconds after `NOW`.
fn times(bench: &Bench) -> Vec<i64> {
    let view = bench.reader.view(bench.committed());
    let mut times = Vec::new();
    for batch in view.scan(&history::Scan::default()).unwrap() {
        let batch = batch.unwrap();
        let column = batch.column_by_name("time").unwrap().to_data();
        times.extend(column.buffer::<i64>(0).iter().map(|time| time - NOW.millis()));
    }
    times.sort_unstable();
    times
}

#[test]
fn of_a_burst_without_times_no_reading_takes_the_place_of_another() {
    let mut bench = Bench::new();
    let burst = [("farm/barn", r#"{"t":1,"h":2}"#); 3];
    bench.take(Source::Live, &burst);
    assert_eq!(times(&bench), [0, 0, 1, 1, 2, 2], "signals of one message share their time");
    bench.take(Source::Live, &[("farm/barn", r#"{"t":9}"#)]);
    bench.take(Source::Live, &[("farm/barn", r#"{"t":9,"h":9}"#)]);
    assert_eq!(times(&bench), [0, 0, 1, 1, 2, 2, 3, 4, 4]);
    assert_eq!(bench.meter.total(Event::ReadingReplaced), 0);
}

#[test]
fn beyond_a_minute_of_that_it_is_counted() {
    let mut bench = Bench::new();
    let late = format!(r#"{{"ts":{},"t":1}}"#, NOW.millis() + 60_000);
    bench.take(Source::Live, &[("farm/barn", &late), ("farm/barn", r#"{"t":2}"#)]);
    assert_eq!(bench.meter.total(Event::ReadingReplaced), 1);
}

#[test]
fn what_nobody_can_read_is_counted_and_gives_no_reading() {
    let mut bench = Bench::new();
    bench.take_records(Source::Live, &[record("farm/barn/x", &[0xff, 0xfe])]);
    let events = [Event::MessageUndecoded, Event::MessageDecoded, Event::ReadingStored];
    assert_eq!(events.map(|event| bench.meter.total(event)), [1, 0, 0]);
}

/// Labels of all devices.
fn labels(registry: &Registry) -> Vec<String> {
    let directory = registry.directory();
    let shown = |(_, device): (_, &registry::Device)| {
        let labels = device.labels.iter().map(|(name, value)| format!(" {name}={value}"));
        format!("{}:{}", device.handle, labels.collect::<String>())
    };
    directory.iter().map(shown).collect()
}

/// The second device is heard under two keys: what it is called by the stronger one counts for both.
const DESCRIBED: [(&str, &str); 6] = [
    ("any", "m,device=d1,model=x,fw=1 v=1"),
    ("farm/barn", r#"{"t":1,"fw_version":"7","serial":"A1"}"#),
    ("farm/barn", r#"{"t":1,"fw_version":"8","serial":"A1","mac":"4c:75:25:49:a3:bc"}"#),
    ("any", "m,device=d1,fw=2,rated_power=5 v=1"),
    ("farm/barn", r#"{"t":1,"fw_version":"7","serial":"A1"}"#),
    ("any", "m,device=d1,fw=1 v=1"),
];

const LABELS: [&str; 2] = ["d1: firmware=1 model=x rated_power=5", "A1: firmware=7"];

#[test]
fn what_describes_a_device_becomes_its_labels_and_the_last_counts() {
    let mut bench = Bench::new();
    bench.take(Source::Live, &DESCRIBED);
    assert_eq!(labels(&bench.registry), LABELS);
}

#[test]
fn the_registry_hears_of_a_message_only_when_it_says_something_else() {
    let mut bench = Bench::new();
    bench.take(Source::Live, &DESCRIBED[..1]);
    for (payload, heard) in [
        ("m,device=d1,model=x,fw=1 v=2", false),
        ("m,device=d1,fw=1 v=3", false),
        ("m,device=d1 v=3", false),
        ("m,device=d1,fw=2 v=3", true),
        ("m,device=d1,fw=1,rated_power=5 v=3", true),
        ("m,device=d2 v=3", true),
    ] {
        let bytes = record("any", payload.as_bytes());
        let Ok(Record::Message(message)) = Record::decode(&bytes) else { panic!("a message") };
        let context =
            Context { zone: &Zone::default(), credential_is_device: true, bridged: false };
        let mut outcome = Outcome::default();
        Recognizer::default().read(&message, &context, &mut outcome);
        let group = outcome.groups().next().unwrap();
        let position = bench.ingest.taken();
        let sender = Sender { group: &group, dialect: "line", at: NOW, position };
        assert_eq!(bench.ingest.devices.is_news(&sender), heard, "{payload}");
    }
}

#[test]
fn a_replay_after_any_crash_gives_the_same_labels() {
    let folder = tempfile::tempdir().unwrap();
    for flushed in 1..=DESCRIBED.len() {
        for taken in flushed..=DESCRIBED.len() {
            let path = folder.path().join(format!("{flushed}-{taken}.sqlite"));
            let registry = Arc::new(Registry::open(&path).unwrap());
            let mut bench = Bench::on(Memory::default(), registry);
            bench.take(Source::Live, &DESCRIBED[..flushed]);
            let committed = bench.committed();
            bench.ingest.flush_all(committed, NOW).unwrap();
            if taken > flushed {
                bench.take(Source::Live, &DESCRIBED[flushed..taken]);
            }
            // A checkpoint whose snapshot the crash takes away: the file runs ahead.
            if taken % 2 == 0 {
                bench.registry.checkpoint(Position::new(taken as u64)).unwrap();
            }
            bench.tables.crash(Unsynced::Lost);
            let tables = bench.tables.clone();
            drop(bench);

            let mut again = Bench::on(tables, Arc::new(Registry::open(&path).unwrap()));
            let from = usize::try_from(again.ingest.taken().get()).unwrap();
            assert_eq!(from, flushed, "the rest is replayed");
            if from < DESCRIBED.len() {
                again.take(Source::Replay, &DESCRIBED[from..]);
            }
            assert_eq!(labels(&again.registry), LABELS, "flushed {flushed}, taken {taken}");
        }
    }
}

#[test]
fn a_restart_goes_on_where_the_tables_end_with_the_same_series() {
    let mut bench = Bench::new();
    // Live, it is the shard that retains; this stands for a site that was restarted before.
    bench.take(Source::Replay, &[("kept/barn", r#"{"t":1}"#), ("farm/b", r#"{"t":2}"#)]);
    let committed = bench.committed();
    assert_eq!(bench.ingest.flush_all(committed, NOW).unwrap(), Some(Position::new(2)));
    bench.take(Source::Live, &[("kept/barn", r#"{"t":3}"#)]);
    bench.tables.crash(Unsynced::Lost);

    let mut again = Bench::on(bench.tables.clone(), Arc::clone(&bench.registry));
    assert_eq!(again.ingest.taken(), Position::new(2), "the third record is replayed");
    assert_eq!(again.retained.len(), 1, "retained messages come back with the tables");
    again.take(Source::Replay, &[("kept/barn", r#"{"t":3}"#)]);
    assert_eq!(again.signals("kept/barn"), ["t 3 -"]);
    let kept = again.retained.all();
    assert_eq!(&*kept[0].payload, br#"{"t":3}"#, "and the replay brings the newest");
}

fn erasure(device: &str) -> Vec<u8> {
    let mut out = Vec::new();
    encode_erasure(&Erasure { at: NOW, device }, &mut out);
    out
}

/// Handles and names of signals that can be seen.
fn seen(bench: &Bench) -> Vec<String> {
    let view = bench.reader.view(bench.committed());
    let mut seen = Vec::new();
    view.each_device(|device, ids| {
        for id in ids {
            let latest = view.latest(*id).and_then(|latest| latest.value.number());
            seen.push(format!("{device} {}", latest.unwrap_or_default()));
        }
    });
    seen
}

fn known(bench: &Bench) -> Vec<String> {
    let directory = bench.registry.directory();
    let mut known: Vec<_> = directory.iter().map(|(_, it)| it.handle.to_string()).collect();
    known.sort_unstable();
    known
}

#[test]
fn an_erased_device_is_gone_and_one_that_speaks_again_is_new() {
    let mut bench = Bench::new();
    bench.take(Source::Live, &[("farm/barn", r#"{"t":1}"#), ("farm/well", r#"{"t":2}"#)]);
    let before = bench.registry.directory().get(index(&bench, "farm/barn")).unwrap().id;
    bench.take_records(Source::Live, &[erasure("farm/barn"), erasure("farm/nobody")]);
    assert_eq!(
        (seen(&bench), known(&bench)),
        (vec!["farm/well 2".into()], vec!["farm/well".into()])
    );
    bench.take(Source::Live, &[("farm/barn", r#"{"t":3}"#)]);
    assert_eq!(seen(&bench), ["farm/barn 3", "farm/well 2"]);
    assert_eq!(times(&bench), [0, 0], "what it said before is gone");
    let committed = bench.committed();
    assert_eq!(bench.ingest.flush_all(committed, NOW).unwrap(), Some(Position::new(5)));
    bench.registry.reload().unwrap();
    assert_eq!(known(&bench), ["farm/barn", "farm/well"]);
    let after = bench.registry.directory().get(index(&bench, "farm/barn")).unwrap().id;
    assert_eq!(before, after, "the test's clock stands still: same key, same time, same id");
    assert_eq!(bench.meter.total(Event::DeviceErased), 2);
}

fn index(bench: &Bench, handle: &str) -> registry::DeviceIndex {
    bench.registry.directory().by_handle(handle).unwrap()
}

/// Nothing is written that a power cut could not take back with the record.
#[test]
fn until_an_erasure_is_committed_no_file_knows_of_it() {
    let mut bench = Bench::new();
    bench.take(Source::Live, &[("farm/barn", r#"{"t":1}"#)]);
    let committed = bench.committed();
    bench.take_records(Source::Live, &[erasure("farm/barn")]);
    bench.take(Source::Live, &[("farm/well", r#"{"t":2}"#)]);
    assert_eq!(bench.ingest.flush_all(committed, NOW).unwrap(), None);
    assert_eq!(bench.ingest.make_room(committed, NOW).unwrap(), Room::Full);
    bench.registry.reload().unwrap();
    assert_eq!(known(&bench), ["farm/barn"]);
}

/// The tables are behind, the registry is not: records from before the erasure are read again.
#[test]
fn a_replay_brings_no_erased_device_back() {
    let mut bench = Bench::new();
    bench.take(Source::Live, &[("farm/well", r#"{"t":1}"#)]);
    let committed = bench.committed();
    bench.ingest.flush_all(committed, NOW).unwrap();
    let journal = [
        record("farm/barn", br#"{"t":2}"#),
        record("farm/well", br#"{"t":3}"#),
        erasure("farm/barn"),
        record("farm/barn", br#"{"t":4}"#),
        erasure("farm/well"),
    ];
    bench.take_records(Source::Live, &journal);
    let committed = bench.committed();
    bench.ingest.tend(committed, NOW).unwrap();
    assert!(bench.registry.is_settled());
    bench.tables.crash(Unsynced::Lost);
    bench.registry.reload().unwrap();
    assert_eq!(known(&bench), ["farm/barn"]);
    let mut again = Bench::on(bench.tables.clone(), Arc::clone(&bench.registry));
    assert_eq!(again.ingest.taken(), Position::new(1));
    again.take_records(Source::Replay, &journal);
    assert_eq!(
        (seen(&again), known(&again)),
        (vec!["farm/barn 4".into()], vec!["farm/barn".into()])
    );
    assert_eq!(times(&again), [0]);
}

//! From a row to a message, from files to an order, from a killed run to its continuation.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroU16;
use std::path::Path;
use std::thread::JoinHandle;

use csv::StringRecord;
use expect_test::{Expect, expect};
use mqtt::{Ack, ConnAck, Packet, Properties, Reason, Version};

use super::*;

fn mapping(topic: &str) -> Mapping {
    Mapping {
        topic: Template::parse(topic).unwrap(),
        device: None,
        when: When::default(),
        columns: Vec::new(),
        without: Vec::new(),
        missing: vec!["NA".to_owned()],
        rename: Vec::new(),
        units: Vec::new(),
        form: Form::Json,
    }
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn parts(list: &[&str]) -> When {
    When {
        source: TimeSource::Parts(names(list)),
        zone: When::zone_of("+08:00").unwrap(),
        ..When::default()
    }
}

/// A header and rows; what would be published.
#[track_caller]
fn check(mapping: &Mapping, csv: &str, expected: &Expect) {
    let mut lines = csv.trim().lines().map(|line| line.split(',').map(str::trim));
    let headers: Vec<String> = lines.next().unwrap().map(str::to_owned).collect();
    let seen = match mapping.bind(&headers, "station-1") {
        Err(fault) => format!("{fault}\n"),
        Ok(bound) => lines
            .map(|cells| {
                let record = StringRecord::from(cells.collect::<Vec<_>>());
                let Some(at) = bound.time(&record) else { return "no time\n".to_owned() };
                bound.message(&record, at).map_or_else(
                    || "no value\n".to_owned(),
                    |it| format!("{} {} ({})\n", it.topic, it.payload, it.readings),
                )
            })
            .collect(),
    };
    expected.assert_eq(&seen);
}

#[test]
fn columns_without_another_use_become_signals() {
    let mut mapping = mapping("air/{station}/state");
    mapping.when = parts(&["year", "month", "day", "hour"]);
    mapping.without = names(&["No"]);
    check(
        &mapping,
        "No,year,month,day,hour,PM2.5,TEMP,wd,station
         1,2013,3,1,0,4,-0.7,NNW,Tiantan
         2,2013,3,1,1,NA,-1.10,NA,Tiantan
         3,2013,3,1,2,NA,,NA,Tiantan
         4,2013,13,1,2,1,1,N,Tiantan
         5,2013,3,1,24,1e3,.5,007,a+b#c",
        &expect![[r#"
            air/Tiantan/state {"ts":1362067200000,"PM2.5":4,"TEMP":-0.7,"wd":"NNW"} (3)
            air/Tiantan/state {"ts":1362070800000,"TEMP":-1.10} (1)
            no value
            no time
            air/a_b_c/state {"ts":1362153600000,"PM2.5":1e3,"TEMP":0.5,"wd":"007"} (3)
        "#]],
    );
}

#[test]
fn chosen_columns_keep_their_order_and_may_change_their_names() {
    let mut mapping = mapping("farm/{file}");
    mapping.columns = names(&["b", "a"]);
    mapping.rename = vec![("a".to_owned(), "temperature".to_owned())];
    check(
        &mapping,
        "time,a,b,c\n2024-05-04T10:00:00Z,1,2,3",
        &expect![[r#"
        farm/station-1 {"ts":1714816800000,"b":2,"temperature":1} (2)
    "#]],
    );
}

#[test]
fn senml_carries_units_texts_and_a_base_name() {
    let mut mapping = mapping("air/{station}");
    mapping.form = Form::Senml;
    mapping.columns = names(&["PM2.5", "wd"]);
    mapping.units = vec![("PM2.5".to_owned(), "ug/m3".to_owned())];
    mapping.device = Some(Template::parse("beijing/{station}").unwrap());
    check(
        &mapping,
        "ts,PM2.5,wd,station\n1700000000.25,4,NNW,Tiantan",
        &expect![[r#"
        air/Tiantan [{"bn":"beijing/Tiantan:","bt":1700000000.250,"n":"PM2.5","u":"ug/m3","v":4},{"n":"wd","vs":"NNW"}] (2)
    "#]],
    );
}

#[test]
fn a_mapping_that_does_not_fit_says_what_is_there() {
    let mut mapping = mapping("air/{place}");
    check(
        &mapping,
        "time,a\n",
        &expect![[r#"
        there is no column "place"; the file has time, a
    "#]],
    );
    mapping.topic = Template::parse("air").unwrap();
    check(
        &mapping,
        "when,a\n",
        &expect![[r#"
        there is no column "time"; the file has when, a
    "#]],
    );
    check(
        &mapping,
        "time\n",
        &expect![[r#"
        no column is left to be sent
    "#]],
    );
    mapping.when = parts(&["time"]);
    check(
        &mapping,
        "time,a\n",
        &expect![[r#"
        time columns are year,month,day[,hour[,minute[,second]]], in this order
    "#]],
    );
    let fault = Template::parse("air/{place").unwrap_err();
    assert_eq!(fault, MappingFault::Placeholder("place".into()));
    assert!(matches!(mapping.check(2), Err(MappingFault::OneTopic { files: 2, .. })));
    mapping.units = vec![("a".to_owned(), "V".to_owned())];
    assert_eq!(mapping.check(1), Err(MappingFault::UnitWithoutSenml));
}

#[test]
fn times_are_read_in_every_form_people_write() {
    let zone = When::zone_of("Europe/Berlin").unwrap();
    let read = |format: Option<&str>, text: &str| {
        let format = format.map(str::to_owned);
        let when = When { format, zone: zone.clone(), ..When::default() };
        when.read(&[text]).map(|at| at.micros())
    };
    let ten = Some(1_714_809_600_000_000);
    assert_eq!(read(None, "2024-05-04T08:00:00Z"), ten);
    assert_eq!(read(None, "2024-05-04 10:00:00"), ten);
    assert_eq!(read(None, "2024-05-04 10:00"), ten);
    assert_eq!(read(None, "2024-05-04T09:00:00+01:00"), ten);
    assert_eq!(read(None, "1714809600"), ten);
    assert_eq!(read(None, "1714809600000"), ten);
    assert_eq!(read(None, "1714809600000000"), ten);
    assert_eq!(read(None, "1714809600000000000"), ten);
    assert_eq!(read(None, "1714809600.5").map(|at| at - 500_000), ten);
    assert_eq!(read(Some("%m/%d/%Y %H:%M"), "5/4/2024 10:00"), ten);
    assert_eq!(read(Some("%d.%m.%Y %H:%M %z"), "04.05.2024 13:30 +0530"), ten);
    assert_eq!(read(Some("%Y-%m-%d"), "1970-01-02"), Some(82_800_000_000));
    for wrong in ["", "soon", "35", "2024-13-01", "10:00"] {
        assert_eq!(read(None, wrong), None, "{wrong}");
    }
    When::zone_of("Mars/Olympus").unwrap_err();
    When::zone_of("+8h").unwrap_err();
}

/// A server that acknowledges what it is told to and remembers the rest.
struct Broker {
    address: String,
    thread: JoinHandle<Vec<String>>,
}

impl Broker {
    /// Takes connections in turn; each ends after so many messages, of which it acknowledges one
    /// less, as a server does that is killed.
    fn start(lives: Vec<usize>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let thread = std::thread::spawn(move || {
            let mut seen = Vec::new();
            for messages in lives {
                let (line, _) = listener.accept().unwrap();
                live(line, messages, &mut seen);
            }
            seen
        });
        Self { address, thread }
    }
}

fn live(mut line: TcpStream, messages: usize, seen: &mut Vec<String>) {
    let (mut inbox, mut buffer, mut count) = (Vec::new(), [0; 4096], 0);
    while let Ok(bytes @ 1..) = line.read(&mut buffer) {
        inbox.extend_from_slice(&buffer[..bytes]);
        while let Some((packet, bytes)) = mqtt::decode(&inbox, Version::V311, 1 << 20).unwrap() {
            let mut answer = Vec::new();
            if let Packet::Publish(publish) = packet {
                seen.push(String::from_utf8(publish.payload.to_vec()).unwrap());
                count += 1;
                if count == messages {
                    return;
                }
                let id = publish.packet_id.unwrap_or(NonZeroU16::MIN);
                let ack = Packet::PubAck(Ack::new(id, Reason::Success));
                ack.encode(Version::V311, &mut answer).unwrap();
            } else if let Packet::Connect(_) = packet {
                let (reason, properties) = (Reason::Success, Properties::NONE);
                let ack = ConnAck { session_present: false, reason, properties };
                Packet::ConnAck(ack).encode(Version::V311, &mut answer).unwrap();
            }
            line.write_all(&answer).unwrap();
            inbox.drain(..bytes);
        }
    }
}

fn options(address: &str, files: Vec<PathBuf>, resume: Option<PathBuf>) -> Options {
    let mut client = ClientOptions::new(address, "replay");
    client.window = 4;
    Options {
        files,
        mapping: mapping("{file}"),
        speed: Speed::Max,
        shift: false,
        qos: Qos::AtLeastOnce,
        resume,
        client,
    }
}

/// Two files whose rows take turns.
fn two_files(folder: &Path) -> Vec<PathBuf> {
    let file = |name: &str, start: i64| {
        let rows = (0..10).map(|row| format!("{},{row}\n", 1_700_000_000 + start + 2 * row));
        let path = folder.join(name);
        fs::write(&path, format!("time,{name}\n{}", rows.collect::<String>())).unwrap();
        path
    };
    vec![file("odd", 1), file("even", 0)]
}

fn play(options: &Options, stop: &Stop) -> Result<Summary, Fault> {
    run(options, Clock::start(), stop, &mut |_| {})
}

#[test]
fn files_are_merged_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start(vec![usize::MAX]);
    let options = options(&broker.address, two_files(folder.path()), None);
    let summary = play(&options, &Stop::default()).unwrap();
    assert_eq!((summary.rows, summary.messages, summary.acknowledged), (20, 20, 20));
    let seen = broker.thread.join().unwrap();
    let times: Vec<&str> = seen.iter().map(|payload| payload.split(',').next().unwrap()).collect();
    assert!(times.is_sorted(), "{seen:?}");
}

#[test]
fn nothing_is_lost_when_the_server_dies_in_the_middle() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start(vec![7, 9, usize::MAX]);
    let options = options(&broker.address, two_files(folder.path()), None);
    let summary = play(&options, &Stop::default()).unwrap();
    assert_eq!((summary.acknowledged, summary.reconnects), (20, 2));
    let mut seen = broker.thread.join().unwrap();
    assert!(seen.len() > 20, "some came twice");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 20);
}

#[test]
fn a_replay_that_was_stopped_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let progress = folder.path().join("progress");
    let files = two_files(folder.path());
    let first = Broker::start(vec![12]);
    let mut options = options(&first.address, files, Some(progress));
    options.client.patience = Duration::ZERO;
    options.shift = true;
    assert!(matches!(play(&options, &Stop::default()), Err(Fault::Unreachable { .. })));
    let before = first.thread.join().unwrap();
    assert_eq!(before.len(), 12);

    let second = Broker::start(vec![usize::MAX]);
    options.client.address = second.address.clone();
    let summary = play(&options, &Stop::default()).unwrap();
    let after = second.thread.join().unwrap();
    assert!((8..=11).contains(&summary.rows_resumed), "{summary:?}");
    assert_eq!(summary.rows_resumed + summary.rows, 20);
    // The same shift again, so that a row that came twice is one reading.
    let mut all: Vec<String> = before.iter().chain(&after).cloned().collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 20);

    let third = Broker::start(vec![usize::MAX]);
    options.client.address = third.address.clone();
    assert_eq!(play(&options, &Stop::default()).unwrap().rows, 0);
    assert!(third.thread.join().unwrap().is_empty());

    options.mapping.missing.push("-".to_owned());
    let foreign = play(&options, &Stop::default());
    assert!(matches!(foreign, Err(Fault::Progress(crate::ProgressFault::Foreign { .. }))));
}

#[test]
fn a_gzip_file_with_bad_rows_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv.gz");
    let packed = fs::File::create(&path).unwrap();
    let mut packed = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
    packed.write_all(b"\xef\xbb\xbftime, a \n1700000000,1\nsoon,2\n1700000002,NA\n").unwrap();
    packed.finish().unwrap();
    let broker = Broker::start(vec![usize::MAX]);
    let options = options(&broker.address, vec![path.clone()], None);
    let summary = play(&options, &Stop::default()).unwrap();
    assert_eq!((summary.rows, summary.messages, summary.rows_empty), (3, 1, 1));
    let skipped = Skipped { file: path, line: 3, why: "its time cannot be read" };
    assert_eq!((summary.rows_skipped, summary.first_skipped), (1, Some(skipped)));
    assert_eq!(broker.thread.join().unwrap(), [r#"{"ts":1700000000000,"a":1}"#]);
}

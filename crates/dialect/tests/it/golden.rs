//! Golden cases: a message in, readings out, one JSON object a line. The form is explained in
//! docs/dialects.md; members of `expect` beyond device, signals and time count where they stand.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use dialect::{Context, Group, Outcome, Presence, Reading, Recognizer, UnitBasis, Verdict, Zone};
use model::{Message, Qos, Quality, Timestamp, TopicName, Value};
use serde_json::{Value as Json, json};

const RECEIVED_AT: &str = "2024-05-04T10:00:00Z";

/// A folder with more cases of the same form, for those who have one.
const MORE_CASES: &str = "ALTHING_GOLDEN_DIR";

#[test]
fn cases_of_the_common_rules() {
    check_file(&own("rules.jsonl"));
}

#[test]
fn fallback_cases() {
    check_file(&own("fallback.jsonl"));
}

#[test]
fn senml_cases() {
    check_file(&own("senml.jsonl"));
}

#[test]
fn line_cases() {
    check_file(&own("line.jsonl"));
}

#[test]
fn thingsboard_cases() {
    check_file(&own("thingsboard.jsonl"));
}

#[test]
fn cases_from_elsewhere() {
    #[expect(clippy::disallowed_methods, reason = "a test has no configuration module")]
    let folder = std::env::var(MORE_CASES);
    let Ok(folder) = folder else {
        println!("no further cases: {MORE_CASES} is not set");
        return;
    };
    for dialect in ["fallback", "senml", "thingsboard"] {
        check_file(&Path::new(&folder).join(format!("{dialect}.jsonl")));
    }
}

fn own(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

#[track_caller]
fn check_file(path: &Path) {
    let text = fs::read_to_string(path).unwrap_or_else(|fault| panic!("{path:?}: {fault}"));
    let cases: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!cases.is_empty(), "{path:?} holds no case");
    let faults: Vec<String> = cases.iter().filter_map(fault_of).collect();
    assert!(faults.is_empty(), "{} of {} cases:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

fn fault_of(case: &Json) -> Option<String> {
    let mut recognizer = Recognizer::new();
    let mut out = Outcome::new();
    for earlier in case["before"].as_array().into_iter().flatten() {
        read(&mut recognizer, earlier, &json!({}), &mut out);
    }
    read(&mut recognizer, case, &case["context"], &mut out);
    let fault = compare(&case["expect"], &out)?;
    Some(format!("{}: {fault}\n    got {}", case["id"], shown(&out)))
}

fn read(recognizer: &mut Recognizer, case: &Json, context: &Json, out: &mut Outcome) {
    let payload = match case["payload_base64"].as_str() {
        Some(text) => base64::engine::general_purpose::STANDARD.decode(text).unwrap(),
        None => case["payload"].as_str().unwrap().as_bytes().to_vec(),
    };
    let zone =
        context["site_zone"].as_str().map_or_else(Zone::default, |z| Zone::parse(z).unwrap());
    let credential = context["credential"].as_str();
    let message = Message {
        received_at: instant(context["received_at"].as_str().unwrap_or(RECEIVED_AT)),
        client: context["client_id"].as_str().unwrap_or("client-1"),
        credential,
        topic: TopicName::parse(case["topic"].as_str().unwrap()).unwrap(),
        payload: &payload,
        properties: &[],
        qos: Qos::AtLeastOnce,
        retain: case["retain"].as_bool().unwrap_or(false),
    };
    let ctx = Context {
        zone: &zone,
        credential_is_device: credential.is_some(),
        bridged: context["bridged"].as_bool().unwrap_or(false),
    };
    recognizer.read(&message, &ctx, out);
}

fn instant(text: &str) -> Timestamp {
    Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

fn compare(expect: &Json, out: &Outcome) -> Option<String> {
    let groups: Vec<Group<'_>> = out.groups().collect();
    let wanted: Vec<&Json> = match expect["readings"].as_array() {
        Some(readings) => readings.iter().collect(),
        None if expect["device"].is_null() => Vec::new(),
        None => vec![expect],
    };
    if wanted.len() != groups.len() {
        return Some(format!("{} groups, expected {}", groups.len(), wanted.len()));
    }
    wanted
        .iter()
        .zip(&groups)
        .find_map(|(wanted, group)| compare_group(wanted, *group))
        .or_else(|| compare_rest(expect, out))
}

fn compare_group(wanted: &Json, group: Group<'_>) -> Option<String> {
    let device = wanted["device"].as_str().unwrap();
    let time = wanted["time"].as_str().map(instant);
    let close = |a: Timestamp, b: Timestamp| (a.micros() - b.micros()).abs() <= 1000;
    let same_time = match (time, group.time()) {
        (Some(a), Some(b)) => close(a, b),
        (None, None) => true,
        _ => false,
    };
    let signals = wanted["signals"].as_array().unwrap();
    let found = |wanted: &&Json| group.readings().any(|reading| is_same(wanted, reading));
    let missing = signals.iter().find(|signal| !found(signal));
    if group.key() != device {
        Some(format!("device is not {device}"))
    } else if !same_time {
        Some(format!("time is not {time:?}"))
    } else if signals.len() != group.readings().len() {
        Some(format!("expected {} signals", signals.len()))
    } else if let Some(missing) = missing {
        Some(format!("without {missing}"))
    } else {
        compare_marks(wanted, group)
    }
}

fn is_same(wanted: &Json, reading: Reading<'_>) -> bool {
    let value = match (&wanted["value"], reading.value) {
        (Json::Number(a), Value::Number(b)) => {
            let a = a.as_f64().unwrap();
            (a - b).abs() <= 1e-9 * a.abs()
        }
        (Json::Bool(a), Value::Boolean(b)) => *a == b,
        (Json::String(a), Value::Text(b)) => a == b,
        _ => false,
    };
    value
        && wanted["name"].as_str() == Some(reading.name)
        && wanted["unit"].as_str() == reading.unit.map(model::Unit::code)
        && wanted["assumed"].as_bool().unwrap_or(false) == (reading.basis == UnitBasis::Assumed)
}

fn compare_marks(wanted: &Json, group: Group<'_>) -> Option<String> {
    let flags = [
        ("clock_unsure", Quality::CLOCK_UNSURE),
        ("clock_bad", Quality::CLOCK_BAD),
        ("future", Quality::FUTURE),
    ];
    let set: Vec<&str> = flags
        .iter()
        .filter(|(_, bit)| group.quality().holds(*bit))
        .map(|(name, _)| *name)
        .collect();
    let keys: Vec<&str> = group.keys().collect();
    let labels = group.labels().map(|(name, value)| (name.to_owned(), json!(value)));
    let labels: serde_json::Map<String, Json> = labels.collect();
    differs("flags", &wanted["flags"], &json!(set))
        .or_else(|| differs("guessed", &wanted["guessed"], &json!(group.guessed())))
        .or_else(|| differs("keys", &wanted["keys"], &json!(keys)))
        .or_else(|| differs("labels", &wanted["labels"], &Json::Object(labels)))
        .or_else(|| differs("device_name", &wanted["device_name"], &json!(group.title())))
        .or_else(|| differs("device_type", &wanted["device_type"], &json!(group.device_type())))
}

fn compare_rest(expect: &Json, out: &Outcome) -> Option<String> {
    let attributes: serde_json::Map<String, Json> = out
        .attributes()
        .map(|a| (a.name.to_owned(), serde_json::from_str(a.json).unwrap()))
        .collect();
    let states: Vec<&str> = out.presence().map(|(_, state)| state_name(state)).collect();
    let notes: Vec<&str> = out.notes().iter().map(|note| note.name()).collect();
    let has = |name: &str| json!(notes.contains(&name));
    let sends: Vec<Json> = out
        .sends()
        .map(|s| json!({"topic": s.topic, "payload": std::str::from_utf8(s.payload).unwrap()}))
        .collect();
    let unread = matches!(out.verdict(), Verdict::Unread(_));
    differs("attributes", &expect["attributes"], &Json::Object(attributes))
        .or_else(|| differs("state", &expect["state"], &json!(states.first())))
        .or_else(|| differs("notes", &expect["notes"], &json!(notes)))
        .or_else(|| differs("truncated", &expect["truncated"], &has("truncated")))
        .or_else(|| differs("sends", &expect["sends"], &json!(sends)))
        .or_else(|| differs("kept_raw", &expect["kept_raw"], &json!(unread)))
        .or_else(|| differs("dialect", &expect["dialect"], &json!(out.dialect())))
}

fn differs(what: &str, wanted: &Json, got: &Json) -> Option<String> {
    (!wanted.is_null() && wanted != got).then(|| format!("{what}: {got}, expected {wanted}"))
}

fn state_name(presence: Presence) -> &'static str {
    match presence {
        Presence::Online => "online",
        Presence::Offline => "offline",
        Presence::Sleeping => "sleeping",
    }
}

/// An outcome as text, whole: two that read the same are the same.
pub(crate) fn shown(out: &Outcome) -> String {
    let groups = out.groups().map(|group| {
        let keys: Vec<&str> = group.keys().collect();
        let readings: Vec<Reading<'_>> = group.readings().collect();
        let labels: Vec<(&str, &str)> = group.labels().collect();
        let marks = (group.time(), group.quality(), group.guessed(), labels);
        format!("{keys:?} {marks:?} {:?} {:?} {readings:?}", group.title(), group.device_type())
    });
    let groups: Vec<String> = groups.collect();
    let presence: Vec<_> = out.presence().collect();
    let attributes: Vec<_> = out.attributes().collect();
    let sends: Vec<_> = out.sends().collect();
    format!(
        "{} {:?} {groups:#?} {presence:?} {attributes:?} {sends:?} {:?}",
        out.dialect(),
        out.verdict(),
        out.notes(),
    )
}

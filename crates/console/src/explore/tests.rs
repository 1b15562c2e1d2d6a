//! Statements, and lists to choose from.

use std::time::Duration;

use expect_test::{Expect, expect};
use model::Timestamp;

use crate::explore::{Bucket, Choices, Draw, Exploration, Named, Search};

fn at(hours: i64) -> Timestamp {
    Timestamp::from_millis(1_795_338_000_000 + hours * 3_600_000)
}

fn question(draw: Draw, bucket: Bucket, earlier: Option<u64>) -> Exploration {
    Exploration {
        signals: vec!["temperature".to_owned()],
        devices: vec!["barn".to_owned(), "o'hara's".to_owned()],
        from: at(0),
        to: at(12),
        draw,
        bucket,
        earlier: earlier.map(Duration::from_secs),
        zone: "Africa/Nairobi".to_owned(),
    }
}

#[track_caller]
fn check(question: &Exploration, expected: &Expect) {
    expected.assert_eq(&question.statement());
}

#[test]
fn a_line_is_asked_for_as_a_person_would_write_it() {
    let bucket = Bucket::Seconds { step: 180, origin: at(0) };
    check(
        &question(Draw::Line, bucket, None),
        &expect![[r#"
            SELECT p['time'] AS time, device, signal, p['value'] AS value
            FROM (
            SELECT device, signal, unnest(m4(number, time)) AS p
            FROM readings
            WHERE number IS NOT NULL
              AND signal IN ('temperature')
              AND device IN ('barn', 'o''hara''s')
              AND time >= TIMESTAMP '2026-11-22T09:00:00Z' AND time < TIMESTAMP '2026-11-22T21:00:00Z'
            GROUP BY device, signal, date_bin(INTERVAL '180 seconds', time, TIMESTAMP '2026-11-22T09:00:00Z')
            )
            ORDER BY device, signal, time"#]],
    );
}

#[test]
fn an_earlier_span_has_the_times_of_the_one_it_is_compared_with() {
    check(
        &question(Draw::Mean, Bucket::Day, Some(604_800)),
        &expect![[r#"
            SELECT date_trunc('day', (time) AT TIME ZONE 'Africa/Nairobi') AS time, device, signal,
              avg(number) AS mean, count(number) AS readings, 'now' AS period
            FROM readings
            WHERE number IS NOT NULL
              AND signal IN ('temperature')
              AND device IN ('barn', 'o''hara''s')
              AND time >= TIMESTAMP '2026-11-22T09:00:00Z' AND time < TIMESTAMP '2026-11-22T21:00:00Z'
            GROUP BY 1, 2, 3
            UNION ALL
            SELECT date_trunc('day', (time + INTERVAL '604800 seconds') AT TIME ZONE 'Africa/Nairobi') AS time, device, signal,
              avg(number) AS mean, count(number) AS readings, 'before' AS period
            FROM readings
            WHERE number IS NOT NULL
              AND signal IN ('temperature')
              AND device IN ('barn', 'o''hara''s')
              AND time >= TIMESTAMP '2026-11-15T09:00:00Z' AND time < TIMESTAMP '2026-11-15T21:00:00Z'
            GROUP BY 1, 2, 3
            ORDER BY device, signal, time"#]],
    );
}

const SITE: [(&str, &str, &str); 6] = [
    ("barn", "temperature", "°C"),
    ("barn", "humidity", "%"),
    ("mast", "temperature", "°C"),
    ("mast", "wind", "m/s"),
    ("pump", "flow", "m³/h"),
    ("pump", "power", "kW"),
];

fn search(signals: &[&str], devices: &[&str]) -> Search {
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Search { signals: own(signals), devices: own(devices), limit: 3, ..Search::default() }
}

fn choices(search: &Search) -> Choices {
    let named = |(device, signal, unit): (&'static str, &'static str, &'static str)| Named {
        device,
        signal,
        unit: Some(unit),
        last: at(0),
    };
    Choices::of(search, SITE.into_iter().map(named))
}

fn names(list: &[crate::explore::Choice]) -> Vec<&str> {
    list.iter().map(|one| one.name.as_str()).collect()
}

fn pairs(choices: &Choices) -> Vec<(&str, &str)> {
    choices.lines.iter().map(|line| (line.signal.as_str(), line.device.as_str())).collect()
}

#[test]
fn what_most_devices_have_is_offered_first_and_the_rest_is_counted() {
    let all = choices(&search(&[], &[]));
    assert_eq!(names(&all.signals), ["temperature", "flow", "humidity"]);
    assert_eq!((all.signals_more, all.devices_more), (2, 0));
    assert!(all.lines.is_empty(), "nothing is drawn that nobody chose");
}

#[test]
fn what_fits_a_choice_comes_before_what_does_not() {
    let fit = choices(&search(&["power"], &["mast"]));
    assert_eq!(names(&fit.signals), ["power", "temperature", "wind", "flow"]);
    assert_eq!(names(&fit.devices), ["mast", "pump", "barn"]);
    assert!(fit.lines.is_empty(), "mast has no power");
}

#[test]
fn a_text_finds_names_by_all_its_words_and_keeps_what_is_chosen() {
    let typed = Search { signal_text: "TEMP ra".to_owned(), ..search(&["flow"], &[]) };
    assert_eq!(names(&choices(&typed).signals), ["flow", "temperature"]);
}

#[test]
fn lines_stand_in_the_order_of_choice() {
    let both = choices(&search(&["wind", "temperature"], &["mast", "barn"]));
    let expected = [("wind", "mast"), ("temperature", "mast"), ("temperature", "barn")];
    assert_eq!(pairs(&both), expected);
}

#[test]
fn one_side_alone_is_drawn_with_the_first_few_of_the_other() {
    assert_eq!(
        pairs(&choices(&search(&["temperature"], &[]))),
        [("temperature", "barn"), ("temperature", "mast")]
    );
    assert_eq!(pairs(&choices(&search(&[], &["pump"]))), [("flow", "pump"), ("power", "pump")]);
}

#[test]
fn a_chosen_name_that_the_site_does_not_know_can_be_left_out_again() {
    let gone = choices(&search(&["no-such"], &[]));
    let first = gone.signals.first().map(|one| (one.name.as_str(), one.count, one.chosen));
    assert_eq!(first, Some(("no-such", 0, true)));
}

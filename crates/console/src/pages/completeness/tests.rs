use super::*;
use crate::site::Cell as Value;
use model::Timestamp;
use std::time::Duration;

/// 2026-11-22T01:30:00Z: in many zones still the day before.
const NOW: Timestamp = Timestamp::from_millis(1_795_311_000_000);

fn said(expected: Option<u64>, received: u64, missing: u64) -> Said {
    Said { expected, received, missing, late: 0, suspect: 0 }
}

#[track_caller]
fn check(day: Option<&Said>, level: &str, words: &[&str]) {
    let told = cell(day, Text::default());
    let plain =
        |markup: &Markup| markup.to_string().replace("<bdi dir=\"ltr\">", "").replace("</bdi>", "");
    let first = [plain(&told.first)];
    let all: Vec<String> = first.into_iter().chain(told.wrong.iter().map(plain)).collect();
    assert_eq!((told.level, all), (level, words.iter().map(|word| (*word).to_owned()).collect()));
}

#[test]
fn a_day_says_what_is_wrong_with_it() {
    check(None, "", &["–"]);
    check(Some(&said(Some(0), 0, 0)), "", &["–"]);
    check(Some(&said(None, 0, 0)), "", &["–"]);
    check(Some(&said(None, 12, 0)), "plain", &["12"]);
    check(Some(&said(Some(1_440), 1_440, 0)), "full", &["all"]);
    check(Some(&said(Some(1_440), 1_439, 1)), "some", &["99\u{a0}%", "1 missing"]);
    check(Some(&said(Some(1_440), 1_367, 73)), "lost", &["94\u{a0}%", "73 missing"]);
    check(Some(&said(Some(1_440), 0, 1_440)), "lost", &["0\u{a0}%", "1,440 missing"]);
    let odd = Said { late: 3, suspect: 2, ..said(Some(10), 10, 0) };
    check(Some(&odd), "info", &["all", "3 late", "2 suspect"]);
    let door = Said { late: 1, ..said(None, 4, 0) };
    check(Some(&door), "info", &["4", "1 late"]);
}

#[test]
fn rows_of_an_answer_become_lines_of_days() {
    let text = |text: &str| Value::Text(text.to_owned());
    let row = |day: &str, name: &str, counts: [Value; 6]| -> Vec<Value> {
        [text(day), text(name)].into_iter().chain(counts).collect()
    };
    let counts = |expected: Value| {
        [
            expected,
            Value::Integer(8),
            Value::Integer(2),
            Value::Null,
            Value::Integer(1),
            Value::Integer(2),
        ]
    };
    let answer = SqlAnswer {
        columns: Vec::new(),
        rows: vec![
            row("2026-11-16", "a", counts(Value::Integer(10))),
            row("2026-11-22", "a", counts(Value::Integer(10))),
            row("2026-11-20", "b", counts(Value::Null)),
            row("1999-01-01", "b", counts(Value::Null)),
        ],
        truncated: false,
        took: Duration::ZERO,
    };
    let span = Span::up_to(NOW, 7);
    let grid = Grid::of(&answer, &span);
    assert_eq!((grid.lines.len(), grid.total), (2, 2));
    let heard = |line: &Line| line.days.iter().map(Option::is_some).collect::<Vec<_>>();
    assert_eq!(heard(&grid.lines[0]), [true, false, false, false, false, false, true]);
    assert_eq!(heard(&grid.lines[1]), [false, false, false, false, true, false, false]);
    let sum = Said { expected: Some(20), received: 16, missing: 4, late: 0, suspect: 2 };
    assert_eq!(grid.lines[0].sum(), sum);
    assert_eq!(sum.percent(20), 80);
    assert_eq!(span.days().last().unwrap(), "22\u{a0}Nov", "the days of UTC");
}

#[test]
fn a_name_cannot_leave_its_quotes() {
    let span = Span::up_to(NOW, 7);
    let statement = grid::statement("o'; DROP TABLE x", &span, (30, 30));
    assert!(statement.contains("device = 'o''; DROP TABLE x'"), "{statement}");
    assert!(statement.contains("day >= DATE '2026-11-16'"), "{statement}");
    assert!(statement.contains("place > 30 AND place <= 60"), "{statement}");
}

//! PostgreSQL's text form, against what it stands for.

use proptest::prelude::*;

use super::*;

fn header(line: &str) -> Option<(String, String)> {
    let header = Header::parse(line.as_bytes())?;
    Some((header.table, header.columns.join("|")))
}

#[test]
fn headers_name_a_table_and_its_columns() {
    let told = |table: &str, columns: &str| Some((table.to_owned(), columns.to_owned()));
    for (line, expected) in [
        ("COPY public.ts_kv (entity_id, key, ts) FROM stdin;", told("ts_kv", "entity_id|key|ts")),
        ("COPY ts_kv (a) FROM stdin;", told("ts_kv", "a")),
        ("COPY \"My \"\"S\".\"t (x\" (\"a, b\", c) FROM stdin;", told("t (x", "a, b|c")),
        ("COPY public.t () FROM stdin;", None),
        ("COPY public.t (a FROM stdin;", None),
        ("COPY public.t (a) TO stdout;", None),
        ("COPY", None),
        ("CREATE TABLE t (a int);", None),
    ] {
        assert_eq!(header(line), expected, "{line}");
    }
}

#[test]
fn escapes_are_undone() {
    for (cell, expected) in [
        (r"plain", Some("plain")),
        (r"", Some("")),
        (r"\N", None),
        (r"\\N", Some("\\N")),
        (r"a\tb\nc\rd", Some("a\tb\nc\rd")),
        (r"\b\f\v", Some("\u{8}\u{c}\u{b}")),
        (r"\101\x41\x4g\7", Some("AA\u{4}g\u{7}")),
        (r"\303\244\xc3\xa4", Some("ää")),
        (r"\q\.\x", Some("q.x")),
        (r"end\", Some("end\\")),
    ] {
        let mut row = Row::default();
        row.read(format!("1\t{cell}\t2").as_bytes(), 3).unwrap();
        assert_eq!(row.cell(1), expected, "{cell}");
        assert_eq!((row.cell(0), row.cell(2), row.cell(3)), (Some("1"), Some("2"), None));
    }
}

#[test]
fn rows_that_do_not_fit_their_table_are_faults() {
    let mut row = Row::default();
    assert_eq!(row.read(b"1\t2", 3), Err("a row has fewer cells than its table has columns"));
    assert_eq!(row.read(b"1\t2", 1), Err("a row has more cells than its table has columns"));
    assert_eq!(row.read(b"\\xff\t2", 2), Err("a row is no text in UTF-8"));
}

/// As PostgreSQL writes a cell.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |out, letter| match letter {
        '\\' => out + "\\\\",
        '\n' => out + "\\n",
        '\r' => out + "\\r",
        '\t' => out + "\\t",
        '\u{8}' => out + "\\b",
        '\u{c}' => out + "\\f",
        '\u{b}' => out + "\\v",
        other => out + &other.to_string(),
    })
}

proptest! {
    #[test]
    fn any_text_that_is_written_is_read(cells in proptest::collection::vec(any::<String>(), 1..5)) {
        let line = cells.iter().map(|cell| escaped(cell)).collect::<Vec<_>>().join("\t");
        let mut row = Row::default();
        row.read(line.as_bytes(), cells.len()).unwrap();
        for (at, cell) in cells.iter().enumerate() {
            prop_assert_eq!(row.cell(at), Some(cell.as_str()));
        }
    }
}

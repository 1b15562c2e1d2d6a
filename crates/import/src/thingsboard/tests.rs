//! Dumps as `pg_dump` writes them, of several versions of ThingsBoard.

use expect_test::{Expect, expect};

use super::*;
use crate::testing::read;

/// The data stands before the names, in two partitions, and one key is a text of a version that
/// had no dictionary.
const DUMP: &str = "--
-- PostgreSQL database dump
--
SET standard_conforming_strings = on;
CREATE TABLE public.ts_kv (entity_id uuid NOT NULL);

COPY public.ts_kv_2024_05 (entity_id, key, ts, bool_v, str_v, long_v, dbl_v, json_v) FROM stdin;
aaaaaaaa-1111\t12\t1714816800123\t\\N\t\\N\t\\N\t21.5\t\\N
aaaaaaaa-1111\t13\t1714816800123\tt\t\\N\t\\N\t\\N\t\\N
aaaaaaaa-1111\t14\t1714816800123\t\\N\ta\\tb\t\\N\t\\N\t\\N
aaaaaaaa-1111\t15\t1714816800123\t\\N\t\\N\t9007199254740993\t\\N\t\\N
aaaaaaaa-1111\t15\t1714816800124\t\\N\t\\N\t-7\t\\N\t\\N
bbbbbbbb-2222\t12\t1714816800123\t\\N\t\\N\t\\N\t1e-3\t\\N
cccccccc-3333\t12\t1714816800123\t\\N\t\\N\t\\N\t2\t\\N
dddddddd-4444\t12\t1714816800123\t\\N\t\\N\t\\N\t3\t\\N
aaaaaaaa-1111\t12\t1714816800125\t\\N\t\\N\t\\N\t\\N\t\\N
aaaaaaaa-1111\t\\N\t1714816800125\t\\N\t\\N\t1\t\\N\t\\N
aaaaaaaa-1111\t12\tnever\t\\N\t\\N\t1\t\\N\t\\N
\\.

COPY public.ts_kv_latest (dbl_v, ts, key, entity_id, json_v) FROM stdin;
\\N\t1714816800126\t16\taaaaaaaa-1111\t{\"a\": 1}
\\.

COPY public.device (id, created_time, name, type) FROM stdin;
aaaaaaaa-1111\t1\tbarn 1\tnode
bbbbbbbb-2222\t1\tpump\tpump
cccccccc-3333\t1\tpump\tpump
\\.

COPY public.key_dictionary (key, key_id) FROM stdin;
temperature\t12
door\t13
note\t14
count\t15
config\t16
\\.
";

fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.sql");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

#[track_caller]
fn check(dump: &str, expected: &Expect) {
    let (_folder, path) = file(dump.as_bytes());
    let told = match read(&mut ThingsBoard::open(&path).unwrap()) {
        Ok(seen) => seen,
        Err(fault) => fault.to_string().replace(&path.display().to_string(), "dump.sql"),
    };
    expected.assert_eq(&told);
}

#[test]
fn readings_get_the_names_that_come_after_them() {
    let expected = expect![[r#"
        barn 1 temperature Number(21.5) @2024-05-04T10:00:00.123Z
        barn 1 door Boolean(true) @2024-05-04T10:00:00.123Z
        barn 1 note Text("a\tb") @2024-05-04T10:00:00.123Z
        barn 1 count Text("9007199254740993") @2024-05-04T10:00:00.123Z
        barn 1 count Number(-7.0) @2024-05-04T10:00:00.124Z
        pump~bbbbbbbb temperature Number(0.001) @2024-05-04T10:00:00.123Z
        pump~cccccccc temperature Number(2.0) @2024-05-04T10:00:00.123Z
        left out: of something that is no device or asset of the dump
        left out: no value (empty, null, unknown, unavailable)
        left out: no signal
        left out: no time, or one that cannot be read
        barn 1 config Text("{\"a\": 1}") @2024-05-04T10:00:00.126Z
    "#]];
    check(DUMP, &expected);
}

#[test]
fn keys_of_old_versions_are_names_themselves() {
    let dump = "COPY public.asset (name, id) FROM stdin;\nhall\ta1\n\\.\n\
        COPY public.ts_kv (entity_type, entity_id, key, ts, str_v) FROM stdin;\n\
        ASSET\ta1\ttemperature\t1714816800000\t21.5\n\\.\n";
    let expected = expect![[r#"
        hall temperature Number(21.5) @2024-05-04T10:00:00Z
    "#]];
    check(dump, &expected);
}

#[test]
fn dumps_that_cannot_be_read_say_what_to_do() {
    let told = expect![[
        "dump.sql is not what it is taken for: it is a dump in pg_dump's own form: make it text with pg_restore --file=dump.sql, or dump with --format=plain"
    ]];
    check("PGDMP\u{1}\u{e}", &told);
    let told = expect!["dump.sql, line 2: the dump was made with --inserts: make it without"];
    check("--\nINSERT INTO public.ts_kv VALUES ('a');\n", &told);
    let told = expect!["dump.sql, line 3: a row has fewer cells than its table has columns"];
    check("\nCOPY public.ts_kv (entity_id, key, ts) FROM stdin;\na\tb\n\\.\n", &told);
    let told = expect!["dump.sql, line 2: a table of readings lacks a column"];
    check("COPY public.ts_kv (entity_id, ts) FROM stdin;\na\t1\n\\.\n", &told);
}

#[test]
fn a_dump_that_is_cut_off_is_noticed_wherever_it_is_cut() {
    let whole = DUMP.len();
    let in_tables = DUMP.find("\\.\n\nCOPY public.device").unwrap();
    for end in [DUMP.find("t\t\\N").unwrap(), in_tables - 3, whole - 20] {
        let (_folder, path) = file(&DUMP.as_bytes()[..end]);
        assert!(matches!(
            read(&mut ThingsBoard::open(&path).unwrap()),
            Err(ImportFault::Line { .. })
        ));
    }
}

/// Counts its signs of life.
struct Ticks(u32);

impl Sink for Ticks {
    fn row(&mut self, _place: u64, _done: u64) -> Result<bool, ImportFault> {
        Ok(false)
    }

    fn reading(&mut self, _found: &Found<'_>) -> Result<(), ImportFault> {
        Ok(())
    }

    fn line(&mut self, _database: &str, _line: &str) -> Result<(), ImportFault> {
        Ok(())
    }

    fn skip(&mut self, _why: Skip) {}

    fn passed(&mut self, _done: u64) -> Result<(), ImportFault> {
        self.0 += 1;
        if self.0 == 3 { Err(ImportFault::Stopped) } else { Ok(()) }
    }
}

#[test]
fn a_long_table_of_something_else_can_be_stopped() {
    let rows = "x\n".repeat(10_000);
    let (_folder, path) = file(format!("COPY public.log (a) FROM stdin;\n{rows}\\.\n").as_bytes());
    let mut ticks = Ticks(0);
    let ended = ThingsBoard::open(&path).unwrap().read(&mut ticks);
    assert!(matches!(ended, Err(ImportFault::Stopped)), "two in the first pass, one in the second");
}

#[test]
fn partitions_of_readings_are_told_from_other_tables() {
    for table in ["ts_kv", "ts_kv_2024", "ts_kv_2024_05_04", "ts_kv_indefinite", "ts_kv_latest"] {
        assert!(is_of_readings(table), "{table}");
    }
    for table in
        ["ts_kv_dictionary", "ts_kv_", "ts_kv2", "device", "ts_kv_latest_x", "attribute_kv"]
    {
        assert!(!is_of_readings(table), "{table}");
    }
}

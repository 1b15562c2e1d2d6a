//! Headers and cells, and what readings they are.

use expect_test::{Expect, expect};

use super::*;
use crate::testing::Seen;

fn bound(layout: &Layout, headers: &str) -> Result<Bound, ImportFault> {
    layout.bind(&headers.split(',').map(str::to_owned).collect::<Vec<_>>(), "file")
}

#[track_caller]
fn check(layout: &Layout, table: &str, expected: &Expect) {
    let mut lines = table.lines().map(str::trim);
    let bound = bound(layout, lines.next().unwrap()).unwrap();
    let mut seen = Seen::default();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let cell = |at| match cells.get(at).copied().unwrap_or_default() {
            "" => Cell::Empty,
            text => Cell::Text(text),
        };
        bound.row(&cell, &mut seen).unwrap();
    }
    expected.assert_eq(&seen.0);
}

#[test]
fn a_wide_table_has_a_column_for_each_signal() {
    let table = "time,device,temperature [°C],humidity (%),door,note (old)
        2024-05-04T10:00:00Z,barn 1,21.5,60,on,
        1714816800,barn 1,\"NA\",unknown,off,12 kW";
    let expected = expect![[r#"
        barn 1 temperature Number(21.5) Cel @2024-05-04T10:00:00Z
        barn 1 humidity Number(60.0) % @2024-05-04T10:00:00Z
        barn 1 door Boolean(true) @2024-05-04T10:00:00Z
        left out: no value (empty, null, unknown, unavailable)
        barn 1 temperature Text("\"NA\"") Cel @2024-05-04T10:00:00Z
        left out: no value (empty, null, unknown, unavailable)
        barn 1 door Boolean(false) @2024-05-04T10:00:00Z
        barn 1 note (old) Number(12.0) kW @2024-05-04T10:00:00Z
    "#]];
    check(&Layout::default(), table, &expected);
}

#[test]
fn a_long_table_has_a_row_for_each_reading() {
    let table = "ts,station,metric,value,unit
        1714816800000,1,t,21.5,°C
        1714816800000000000,1,n,x,
        never,1,t,1,";
    let expected = expect![[r#"
        1 t Number(21.5) Cel @2024-05-04T10:00:00Z
        1 n Text("x") @2024-05-04T10:00:00Z
        left out: no time, or one that cannot be read
    "#]];
    check(&Layout::default(), table, &expected);
}

#[test]
fn what_althing_writes_is_taken_to_the_letter() {
    let table = "time,device,signal,number,text,quality
        2024-05-04T10:00:00.123,farm/barn1,serial,7,,0
        2024-05-04T10:00:00.123,farm/barn1,state,,unknown,64
        2024-05-04T10:00:00.123,farm/barn1,code,,12,0
        2024-05-04T10:00:00.123,farm/barn1,code,,,0";
    let expected = expect![[r#"
        farm/barn1 serial Number(7.0) @2024-05-04T10:00:00.123Z
        left out: a mark of quality (its reading is taken)
        farm/barn1 state Text("unknown") @2024-05-04T10:00:00.123Z
        farm/barn1 code Text("12") @2024-05-04T10:00:00.123Z
        left out: no value (empty, null, unknown, unavailable)
    "#]];
    check(&Layout::default(), table, &expected);
}

#[test]
fn the_caller_says_what_the_names_do_not() {
    let layout = Layout {
        time: Some("when".to_owned()),
        when: When {
            format: Some("%d.%m.%Y %H:%M".to_owned()),
            zone: When::zone_of("Europe/Berlin").unwrap(),
            ..When::default()
        },
        device: DeviceFrom::Name("roof".to_owned()),
        without: vec!["No".to_owned()],
        missing: vec!["-999".to_owned()],
        units: vec![("PM".to_owned(), "µg/m³".to_owned())],
        ..Layout::default()
    };
    let table = "No,when,PM,device
        1,04.05.2024 12:00,7,x
        2,04.05.2024 12:01,-999,y";
    let expected = expect![[r#"
        roof PM Number(7.0) ug/m3 @2024-05-04T10:00:00Z
        roof device Text("x") @2024-05-04T10:00:00Z
        left out: no value (empty, null, unknown, unavailable)
        roof device Text("y") @2024-05-04T10:01:00Z
    "#]];
    check(&layout, table, &expected);
}

#[test]
fn numbers_since_1970_count_what_the_caller_says() {
    let at = |epoch, text| {
        let layout = Layout { epoch: Some(epoch), ..Layout::default() };
        let bound = bound(&layout, "time,a").unwrap();
        bound.time_of(Cell::Text(text)).map(Timestamp::micros)
    };
    assert_eq!(at(Epoch::Seconds, "1714816800"), Some(1_714_816_800_000_000));
    assert_eq!(at(Epoch::Seconds, "1714816800.25"), Some(1_714_816_800_250_000));
    assert_eq!(at(Epoch::Millis, "99999999"), Some(99_999_999_000));
    assert_eq!(at(Epoch::Micros, "1714816800000001"), Some(1_714_816_800_000_001));
    assert_eq!(at(Epoch::Nanos, "1714816800000001999"), Some(1_714_816_800_000_001));
    assert_eq!(at(Epoch::Seconds, "noon"), None);
    assert_eq!(at(Epoch::Seconds, "9223372036854775807"), None);
}

#[test]
fn typed_cells_keep_their_type() {
    let bound = bound(&Layout::default(), "time,device,a,b,c").unwrap();
    let at = Timestamp::from_micros(1_714_816_800_000_001);
    let cells =
        [Cell::Time(at), Cell::Whole(7), Cell::Whole(1 << 60), Cell::Truth(true), Cell::Time(at)];
    let mut seen = Seen::default();
    bound.row(&|place| cells[place], &mut seen).unwrap();
    let expected = expect![[r#"
        7 a Text("1152921504606846976") @2024-05-04T10:00:00.000001Z
        7 b Boolean(true) @2024-05-04T10:00:00.000001Z
        7 c Text("2024-05-04T10:00:00.000001Z") @2024-05-04T10:00:00.000001Z
    "#]];
    expected.assert_eq(&seen.0);
}

#[test]
fn columns_that_are_not_there_are_named() {
    let told = |layout: &Layout, headers| bound(layout, headers).unwrap_err().to_string();
    let named = Layout { device: DeviceFrom::Column("dev".to_owned()), ..Layout::default() };
    assert_eq!(told(&Layout::default(), "a,b"), r#"there is no column "time"; the file has a, b"#);
    assert_eq!(told(&named, "time,b"), r#"there is no column "dev"; the file has time, b"#);
    assert_eq!(told(&Layout::default(), "time,device"), ImportFault::NoSignals.to_string());
    let units = vec![("b".to_owned(), "blobs".to_owned())];
    let unit = Layout { units, ..Layout::default() };
    assert_eq!(told(&unit, "time,b"), r#""blobs" is no unit that Althing knows"#);
}

use std::collections::BTreeMap;

use expect_test::expect;

use super::{Cell, Row, Store, of_all, of_query};

fn row() -> Row {
    let timed = |seconds: &[f64]| Cell { seconds: seconds.to_vec(), cpu: 0.03, ..Cell::default() };
    let cells = BTreeMap::from([
        (Store::Althing, timed(&[0.004, 0.002, 0.003])),
        (Store::DuckdbFiles, timed(&[0.012])),
        (Store::Duckdb, timed(&[0.0015])),
        (Store::Influx, Cell { cannot: true, ..Cell::default() }),
        (Store::Victoria, Cell { fault: Some("no".to_owned()), ..Cell::default() }),
    ]);
    Row { name: "last-loc".to_owned(), rows: 7, draws: 2, cells, differences: Vec::new() }
}

#[test]
fn a_query_tells_medians_and_what_is_not_there() {
    expect![[r#"

        last-loc (7 rows in 2 answers)
          althing            3.00 ms  ahead     1.00  slowest       4.00 ms  CPU      10.00 ms
          duckdb-files      12.00 ms  ahead     4.00  slowest      12.00 ms  CPU      30.00 ms
          duckdb             1.50 ms  ahead     0.50  slowest       1.50 ms  CPU      30.00 ms
          influx       cannot
          victoria     failed: no"#]]
    .assert_eq(&of_query(&row()));
}

#[test]
fn the_table_tells_how_althing_stands_to_the_best_of_the_others() {
    let stores: Vec<Store> = row().cells.into_keys().collect();
    expect![[r#"

        Medians in ms. How many times faster Althing is than the best of those that read its files (`files`), and of all others (`any`):
                                                  althing duckdb-files       duckdb       influx     victoria    files      any
          last-loc                                   3.00        12.00         1.50       cannot       failed     4.00     0.50"#]].assert_eq(&of_all(&stores, &[row()]));
}

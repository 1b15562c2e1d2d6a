use super::{Place, Table, faults, read, table_faults};
use crate::step;

#[test]
fn crates_use_what_the_table_allows() {
    let workspace = step::workspace().unwrap();
    let table = read(workspace.workspace_root.as_std_path()).unwrap();
    assert_eq!(faults(&table, &workspace), Vec::<String>::new());
}

#[test]
fn an_edge_that_is_not_in_the_table_is_found() {
    let workspace = step::workspace().unwrap();
    let mut table = read(workspace.workspace_root.as_std_path()).unwrap();
    table.get_mut("mqtt").unwrap().uses.clear();
    let fault = "mqtt uses model, which the table does not allow".to_owned();
    assert!(faults(&table, &workspace).contains(&fault));
}

#[test]
fn an_edge_to_the_same_level_is_no_edge_of_the_table() {
    let place =
        |uses: &[&str]| Place { level: 1, uses: uses.iter().map(ToString::to_string).collect() };
    let table = Table::from([("a".to_owned(), place(&["b"])), ("b".to_owned(), place(&[]))]);
    assert_eq!(table_faults(&table), ["b is not below a, so a may not use it"]);
}

use super::Queries;

#[test]
fn a_file_is_cut_into_queries_with_what_is_said_of_them() {
    let text = "-- words\n\n-- name: low-fuel\n-- row: name, value\n-- at: {to}\na {x}\n  b\n\n-- name: c\nd\n";
    let queries = Queries::parse(text);
    assert_eq!(queries.names().collect::<Vec<_>>(), ["c", "low-fuel"]);
    let fill = |text: &str| text.replace("{x}", "1").replace("{to}", "2");
    let question = queries.question("low-fuel", fill).unwrap();
    assert_eq!((question.text.as_str(), question.at.as_str()), ("a 1\n  b", "2"));
    assert_eq!(question.row, ["name", "value"]);
    assert_eq!(queries.question("c", fill).unwrap().at, "");
    assert!(queries.question("last-loc", fill).is_none());
}

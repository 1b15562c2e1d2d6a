use super::{Purpose, meant};

#[track_caller]
fn check(line: &str, durable: bool, expected: Option<&str>) {
    assert_eq!(meant(line, Purpose { durable, ..Purpose::default() }), expected);
}

#[test]
fn a_line_of_a_configuration_may_be_for_some_purposes_only() {
    check("listener @PORT@", false, Some("listener @PORT@"));
    check("  @DURABLE store @DIR@", true, Some("store @DIR@"));
    check("  @DURABLE store @DIR@", false, None);
    check("@MEMORY store no", true, None);
    check("@TLS key @KEY@", true, None);
}

use super::*;

#[test]
fn a_line_says_what_matters_and_moves_no_cursor() {
    for (line, wanted) in [
        (r#"{"tracing":"pump\u001b[2J","seconds":60}"#, r"tracing pump\u{1b}[2J for 60 s"),
        (
            concat!(
                r#"{"time":"2026-11-22T09:10:44Z","direction":"in","packet":"PUBLISH","id":7,"#,
                r#""topic":"a\nb","qos":1,"retain":true,"dup":false,"payload_bytes":4}"#
            ),
            r"2026-11-22T09:10:44Z > PUBLISH id=7 qos=1 retain a\nb 4 bytes",
        ),
        (
            r#"{"time":"t","direction":"out","packet":"PUBACK","id":7,"reason":135}"#,
            "t < PUBACK id=7 reason=0x87",
        ),
        (
            r#"{"time":"t","direction":"in","packet":"SUBSCRIBE","id":1,"filters":["a/#","b"]}"#,
            "t > SUBSCRIBE id=1 a/# b",
        ),
        (r#"{"time":"t","direction":"none","packet":"closed"}"#, "t - closed"),
        (r#"{"over":true,"dropped":3}"#, "over, 3 not shown"),
    ] {
        assert_eq!(shown(line), wanted);
    }
}

#[test]
fn a_client_id_is_one_part_of_the_address() {
    assert_eq!(encoded("site/pump 7?ü"), "site%2Fpump%207%3F%C3%BC");
}

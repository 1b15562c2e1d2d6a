use super::Answer;

fn answer(status: u16, body: &str) -> Answer {
    Answer { status, body: body.as_bytes().to_vec(), length: None, checksum: None }
}

#[test]
fn an_error_is_told_by_its_code() {
    let body =
        "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>";
    assert_eq!(answer(403, body).code(), "AccessDenied");
    for odd in ["", "<Code>", "<Code>a b</Code>", "<Code>x\n</Code>", "\u{0}"] {
        assert_eq!(answer(403, odd).code(), "");
    }
    let long = format!("<Code>{}</Code>", "x".repeat(65));
    assert_eq!(answer(403, &long).code(), "");
}

#[test]
fn a_bucket_that_is_missing_is_no_missing_object() {
    assert!(answer(404, "<Code>NoSuchKey</Code>").is_missing());
    assert!(answer(404, "").is_missing());
    assert!(!answer(404, "<Code>NoSuchBucket</Code>").is_missing());
}

use super::{Request, encode, sign, stamp};
use crate::keys::Keys;

/// The examples that AWS publishes for signatures in headers of S3 requests.
fn check(request: &Request<'_>, signature: &str) {
    let keys = Keys::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None);
    let headers = sign(request, (&keys, "us-east-1"), "20130524T000000Z");
    let (_, proof) = headers.iter().find(|(name, _)| *name == "authorization").unwrap();
    assert!(proof.ends_with(&format!("Signature={signature}")), "{proof}");
}

#[test]
fn the_published_example_of_a_range_is_signed_as_published() {
    let request = Request {
        method: "GET",
        host: "examplebucket.s3.amazonaws.com",
        path: "/test.txt",
        headers: vec![("range", "bytes=0-9".to_owned())],
        body: b"",
    };
    check(&request, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

#[test]
fn the_published_example_of_an_upload_is_signed_as_published() {
    let path = encode("/test$file.text");
    assert_eq!(path, "/test%24file.text");
    let request = Request {
        method: "PUT",
        host: "examplebucket.s3.amazonaws.com",
        path: &path,
        headers: vec![
            ("date", "Fri, 24 May 2013 00:00:00 GMT".to_owned()),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY".to_owned()),
        ],
        body: b"Welcome to Amazon S3.",
    };
    check(&request, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

#[test]
fn a_token_is_part_of_what_is_signed() {
    let keys = Keys::new("id", "secret", Some("passing"));
    let request = Request { method: "GET", host: "h", path: "/", headers: Vec::new(), body: b"" };
    let headers = sign(&request, (&keys, "r"), "20260101T000000Z");
    assert!(headers.contains(&("x-amz-security-token", "passing".to_owned())));
    let (_, proof) = headers.last().unwrap();
    assert!(proof.contains("host;x-amz-content-sha256;x-amz-date;x-amz-security-token"), "{proof}");
}

#[test]
fn times_are_in_the_short_form_of_iso() {
    assert_eq!(stamp(1_369_353_600), "20130524T000000Z");
    assert_eq!(stamp(1_798_675_199), "20261230T235959Z");
}

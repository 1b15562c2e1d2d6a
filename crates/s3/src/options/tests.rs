use super::Options;
use crate::keys::Keys;

fn options(change: impl FnOnce(&mut Options)) -> Result<(), String> {
    let mut options = Options {
        endpoint: "https://s3.example".to_owned(),
        region: "eu-north-1".to_owned(),
        bucket: "readings".to_owned(),
        prefix: "sites/north".to_owned(),
        path_style: true,
        authorities: None,
        keys: Keys::new("id", "secret", None),
    };
    change(&mut options);
    options.check().map_err(|fault| fault.to_string())
}

#[test]
fn names_are_checked_before_they_are_used() {
    assert_eq!(options(|_| {}), Ok(()));
    assert_eq!(options(|all| all.endpoint = "http://[::1]:9000/".to_owned()), Ok(()));
    assert_eq!(options(|all| all.prefix.clear()), Ok(()));
    for endpoint in ["s3.example", "ftp://s3.example", "https://s3.example/path", "https://a b"] {
        let fault = options(|all| all.endpoint = endpoint.to_owned()).unwrap_err();
        assert!(fault.starts_with("the endpoint"), "{fault}");
    }
    for bucket in ["", "ab", "Readings", "a/b/c"] {
        let fault = options(|all| all.bucket = bucket.to_owned()).unwrap_err();
        assert!(fault.contains("no name of a bucket"), "{fault}");
    }
    for prefix in ["/a", "a/", "a//b", "../a", "a b", "a/.."] {
        let fault = options(|all| all.prefix = prefix.to_owned()).unwrap_err();
        assert!(fault.starts_with("the prefix"), "{fault}");
    }
    assert!(options(|all| all.region.clear()).is_err());
}

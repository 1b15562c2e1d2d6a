use super::*;

#[track_caller]
fn check_remote(keys: &str, expected: &Expect) {
    check_fault(&sources(&format!("[remote]\n{keys}"), &[], &[]), expected);
}

#[test]
fn a_mistake_about_the_store_is_named() {
    check_remote(
        "bucket = 'readings'",
        &expect![[r#"
            remote: the endpoint "" is not like https://host or http://host:port, without a path
            the configuration as a whole
        "#]],
    );
    check_remote(
        "bucket = 'Readings'\nendpoint = 'http://127.0.0.1:9000'",
        &expect![[r#"
            remote: "Readings" is no name of a bucket: 3 to 63 of a-z, 0-9, '.' and '-'
            the configuration as a whole
        "#]],
    );
    check_remote(
        "bukket = 'readings'",
        &expect![[r#"
            remote.bukket is no key; did you mean remote.bucket?
            althing.toml:2
        "#]],
    );
}

#[test]
fn a_store_has_keys_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials");
    let file = format!(
        "[remote]\nbucket = 'readings'\nendpoint = 'http://127.0.0.1:9000'\nafter = '30d'\n\
         credentials = {path:?}"
    );
    let config = loaded(&sources(&file, &[], &[])).config;
    assert_eq!(config.check().map_err(|fault| fault.to_string()), Ok(()));
    let fault = config.remote.resolve().unwrap_err().to_string();
    assert!(fault.ends_with("credentials cannot be read"), "{fault}");
    std::fs::write(&path, "aws_access_key_id = me\naws_secret_access_key = hidden\n").unwrap();
    let plan = config.remote.resolve().unwrap().unwrap();
    assert_eq!(plan.after, std::time::Duration::from_secs(30 * 86_400));
    assert!(!format!("{plan:?}").contains("hidden"));
    assert!(Config::default().remote.resolve().unwrap().is_none());
}

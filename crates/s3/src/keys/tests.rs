use super::Keys;

#[test]
fn a_file_is_as_the_tools_of_aws_have_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials");
    let text = "# mine\n[other]\naws_access_key_id = no\naws_secret_access_key = no\n\n\
                [default]\naws_access_key_id=me\n  aws_secret_access_key = a/b+c=\n";
    std::fs::write(&path, text).unwrap();
    assert!(Keys::read(&path).unwrap() == Keys::new("me", "a/b+c=", None));
    std::fs::write(&path, "aws_access_key_id = me\n").unwrap();
    let fault = Keys::read(&path).unwrap_err().to_string();
    assert!(fault.ends_with("under [default]"), "{fault}");
    Keys::read(&folder.path().join("none")).unwrap_err();
}

#[test]
fn variables_are_those_of_the_tools_of_aws() {
    let variable = |name: &str| match name {
        "AWS_ACCESS_KEY_ID" => Some("me".to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some("secret".to_owned()),
        "AWS_SESSION_TOKEN" => Some("token".to_owned()),
        _ => None,
    };
    assert!(Keys::from_variables(variable).unwrap() == Keys::new("me", "secret", Some("token")));
    let half = |name: &str| variable(name).filter(|_| name != "AWS_SECRET_ACCESS_KEY");
    Keys::from_variables(half).unwrap_err();
}

#[test]
fn keys_are_not_printed() {
    let keys = Keys::new("me", "secret", Some("token"));
    assert_eq!(format!("{keys:?}"), "Keys(…)");
}

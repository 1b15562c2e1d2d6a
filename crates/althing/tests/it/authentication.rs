//! A site that lets in those who prove who they are, with the real commands.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use mqtt::{Connect, Properties, Version};

use crate::site::Running;

/// Runs a command with `input` for its standard input. Says its exit code and what it wrote.
fn althing(folder: &Path, args: &[&str], input: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_althing"))
        .env_clear()
        .current_dir(folder)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that needs none may have closed it.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A line for the file of credentials.
fn credential(folder: &Path, name: &str, password: &str) -> String {
    let (code, line, told) = althing(folder, &["credential", name], &format!("{password}\n"));
    assert_eq!(code, 0, "{told}");
    assert!(line.starts_with(&format!("{name}:SCRAM-SHA-256$4096:")), "{line}");
    assert!(!line.contains(password));
    line
}

fn publish(site: &Running, folder: &Path, login: &[&str], message: &str) -> (i32, String) {
    let mut args = vec!["pub", "--retain", "--mqtt", &site.mqtt];
    args.extend_from_slice(login);
    args.extend_from_slice(&["farm/barn/t", message]);
    let (code, _, told) = althing(folder, &args, "");
    (code, told)
}

/// A device of MQTT 3.1.1 that sends its password, and at once a message. Says what it is told.
fn sends_password(site: &Running, password: &[u8]) -> Vec<u8> {
    let connect = Connect {
        version: Version::V311,
        clean_start: true,
        keep_alive: 60,
        client_id: "pump-1",
        will: None,
        user_name: Some("anna"),
        password: Some(password),
        properties: Properties::NONE,
    };
    let mut bytes = Vec::new();
    connect.encode(&mut bytes).unwrap();
    bytes.extend_from_slice(b"\x32\x06\x00\x01t\x00\x07x");
    bytes.extend_from_slice(b"\xE0\x00");
    let mut line = TcpStream::connect(&site.mqtt).unwrap();
    line.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    line.write_all(&bytes).unwrap();
    let mut told = Vec::new();
    line.read_to_end(&mut told).unwrap();
    told
}

#[test]
fn who_has_a_credential_is_let_in_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let anna = credential(folder, "anna", "correct horse");
    write("credentials", &format!("# Pumps\n{anna}"));
    write("althing.toml", "[mqtt]\ncredentials = 'credentials'\n");
    write("right", "correct horse\n");
    write("wrong", "battery staple\n");
    let site = Running::start_with(folder, &[]);

    let right = ["--user", "anna", "--password-file", "right"];
    assert_eq!(publish(&site, folder, &right, "21.5"), (0, String::new()));
    let heard = ["tail", "--mqtt", &site.mqtt, "--count", "1", "farm/#"];
    let (code, heard, told) = althing(folder, &[&heard[..], &right].concat(), "");
    assert_eq!((code, &*heard), (0, "farm/barn/t 21.5\n"), "{told}");

    let refused = |login: &[&str], words: &str| {
        let (code, told) = publish(&site, folder, login, "22");
        assert!(code == 1 && told.contains(words), "{code} {told}");
    };
    let cause = "the server refuses the name \"anna\" or its password";
    refused(&["--user", "anna", "--password-file", "wrong"], cause);
    refused(&["--user", "bo", "--password-file", "right"], "refuses the name \"bo\"");
    refused(&[], "NotAuthorized");
    assert!(site.metrics().contains("\nalthing_authentications_refused_total 2\n"));

    // Nobody waits for the acknowledgement who says goodbye at once.
    let told = sends_password(&site, b"correct horse");
    assert!(told == [0x20, 2, 0, 0] || told == [0x20, 2, 0, 0, 0x40, 2, 0, 7], "{told:?}");
    assert_eq!(sends_password(&site, b"battery staple"), [0x20, 2, 0, 4]);

    // Another one, while the site runs; and a file that is wrong changes nothing.
    write("credentials", &format!("{anna}{}", credential(folder, "bo", "correct horse")));
    site.reload();
    let bo = ["--user", "bo", "--password-file", "right"];
    while publish(&site, folder, &bo, "23").0 != 0 {}
    write("credentials", "anna:secret\n");
    site.reload();
    assert_eq!(publish(&site, folder, &right, "24").0, 0);
    assert_eq!(site.stop(), Some(0));

    let (code, _, told) = althing(folder, &["serve", "--mqtt", "127.0.0.1:0"], "");
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("line 1") && told.contains("credentials"), "{told}");
}

#[test]
fn a_site_without_credentials_says_that_it_serves_no_such_method() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("right"), "correct horse\n").unwrap();
    let site = Running::start(folder.path());
    let login = ["--user", "anna", "--password-file", "right"];
    let (code, told) = publish(&site, folder.path(), &login, "21.5");
    assert!(code == 1 && told.contains("BadAuthMethod"), "{code} {told}");
    assert_eq!(site.stop(), Some(0));
}

#[test]
fn a_credential_is_made_of_a_name_and_a_password_that_can_be_ones() {
    let folder = tempfile::tempdir().unwrap();
    for (name, password) in [("anna", "\n"), ("#anna", "x\n"), ("an\na", "x\n"), ("anna", "a\u{7}")]
    {
        let (code, line, told) = althing(folder.path(), &["credential", name], password);
        assert_eq!((code, &*line), (2, ""), "{name:?} {password:?}: {told}");
    }
    let (code, line, _) = althing(folder.path(), &["--json", "credential", "anna"], "x");
    let told: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((code, told["name"].as_str()), (0, Some("anna")));
    let lone = ["pub", "--user", "anna", "a", "1"];
    assert_eq!(althing(folder.path(), &lone, "").0, 2, "a name without a password");
}

//! Listeners from the configuration, and certificates that are read again.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

const CONFIG: &str = "
[mqtt]
server-reference = 'other.example:1883'

[[mqtt.listener]]
name = 'gateway'
transport = 'unix'
path = 'mqtt.sock'

[[mqtt.listener]]
name = 'devices'
transport = 'tls'
address = '127.0.0.1:0'
certificate = 'site.pem'
key = 'site.key'
";

fn write_certificate(folder: &Path) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("site.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("site.key"), signing_key.serialize_pem()).unwrap();
}

/// The first line that holds `word`.
fn wait_for(lines: &mut impl Iterator<Item = std::io::Result<String>>, word: &str) -> String {
    lines.map(Result::unwrap).find(|line| line.contains(word)).unwrap()
}

fn is_connack(stream: &mut UnixStream) -> bool {
    // MQTT 3.1.1, a clean session of a client called x.
    stream.write_all(b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\x01x").unwrap();
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).unwrap();
    answer == [0x20, 2, 0, 0]
}

#[test]
fn listeners_are_announced_and_a_bad_certificate_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("althing.toml"), CONFIG).unwrap();
    write_certificate(data.path());
    let mut child = Command::new(env!("CARGO_BIN_EXE_althing"))
        .args(["serve", "--anonymous", "--mqtt", "127.0.0.1:0", "--http", "127.0.0.1:0"])
        .args(["--postgres", "127.0.0.1:0"])
        .arg("--data")
        .arg(data.path())
        .current_dir(data.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    assert_eq!(wait_for(&mut said, "gateway"), "listener gateway unix mqtt.sock");
    let devices = wait_for(&mut said, "devices");
    assert!(devices.starts_with("listener devices tls 127.0.0.1:"), "{devices}");
    assert_eq!(wait_for(&mut said, "ready"), "ready");

    let pid = rustix::process::Pid::from_child(&child);
    let signal = |signal| rustix::process::kill_process(pid, signal).unwrap();
    let socket = data.path().join("mqtt.sock");
    assert!(is_connack(&mut UnixStream::connect(&socket).unwrap()));
    std::fs::write(data.path().join("site.pem"), "no certificate").unwrap();
    signal(rustix::process::Signal::HUP);
    let fault = wait_for(&mut log, "certificates");
    assert!(fault.contains("ERROR") && fault.contains("site.pem holds no certificate"), "{fault}");
    write_certificate(data.path());
    signal(rustix::process::Signal::HUP);
    assert!(wait_for(&mut log, "certificates").contains("INFO"));
    // Else it may read what is half written below.
    wait_for(&mut log, "the configuration was read again");
    let mut guest = UnixStream::connect(&socket).unwrap();
    assert!(is_connack(&mut guest));

    let fewer =
        format!("{CONFIG}\n[limits]\nconnections-per-address = 1\n\n[site]\nname = 'New'\n");
    std::fs::write(data.path().join("althing.toml"), fewer).unwrap();
    signal(rustix::process::Signal::HUP);
    assert!(wait_for(&mut log, "starts again").contains("site.name"));
    wait_for(&mut log, "the configuration was read again");
    // MQTT 5, a clean start of a client called y.
    let mut moves = UnixStream::connect(&socket).unwrap();
    moves.write_all(b"\x10\x0e\0\x04MQTT\x05\x02\0\0\0\0\x01y").unwrap();
    let mut head = [0; 2];
    moves.read_exact(&mut head).unwrap();
    assert_eq!(head[0], 0x20, "one from this address");
    assert_eq!(UnixStream::connect(&socket).unwrap().read(&mut head).unwrap(), 0, "no second one");

    signal(rustix::process::Signal::TERM);
    let mut heard = Vec::new();
    moves.read_to_end(&mut heard).unwrap();
    let refers = b"\xe0\x17\x9c\x15\x1c\0\x12other.example:1883";
    assert!(heard.ends_with(refers), "{heard:?}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!socket.exists(), "it goes with its listener");
}

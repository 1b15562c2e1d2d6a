//! How commands end.

use expect_test::expect;

use super::*;

fn written(complaint: &Complaint, json: bool) -> String {
    let mut out = Vec::new();
    complaint.write(json, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_complaint_gives_cause_place_and_next_command() {
    let cause = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    let fault = field::Fault::Unreachable { address: "127.0.0.1:1883".into(), source: cause };
    let complaint = field_complaint(&fault, "mqtt://127.0.0.1:1883");
    assert_eq!(complaint.exit, Exit::Unreachable);
    expect![[r#"
        error: no MQTT server answers at 127.0.0.1:1883: connection refused
          where: mqtt://127.0.0.1:1883
          next:  althing serve --anonymous
    "#]]
    .assert_eq(&written(&complaint, false));
    expect![[r#"
        {"error":"no MQTT server answers at 127.0.0.1:1883: connection refused","exit":4,"next":"althing serve --anonymous","where":"mqtt://127.0.0.1:1883"}
    "#]].assert_eq(&written(&complaint, true));
}

#[test]
fn every_kind_of_trouble_has_its_exit_code() {
    let missing = |kind: std::io::ErrorKind| field::Fault::Input {
        path: "a.csv".into(),
        source: kind.into(),
    };
    let exit = |fault: &field::Fault| field_complaint(fault, "").exit as u8;
    assert_eq!(exit(&missing(std::io::ErrorKind::NotFound)), 3);
    assert_eq!(exit(&missing(std::io::ErrorKind::PermissionDenied)), 1);
    assert_eq!(exit(&field::MappingFault::NoSignals.into()), 2);
    assert_eq!(exit(&field::Fault::Refused(mqtt::Reason::NotAuthorized)), 1);
    let config = config_complaint(&ConfigFault::Zero("query.time"));
    assert_eq!(config.exit as u8, 2);
}

#[test]
fn a_cause_is_told_once() {
    let inner = std::io::Error::other("disk on fire");
    let complaint = Complaint::from(inner);
    assert_eq!(complaint.cause, "disk on fire");
}

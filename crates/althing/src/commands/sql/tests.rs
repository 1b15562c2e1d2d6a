//! Answers of the site and how they are shown, against a peer that answers as it is told.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::thread::JoinHandle;

use expect_test::expect;

use super::prompt::{Step, Typed};
use super::*;

/// Answers one request; returns its head and body.
fn site(status: &str, body: &str) -> (Site, JoinHandle<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api/sql", listener.local_addr().unwrap());
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
    let thread = std::thread::spawn(move || {
        let (line, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(line);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            reader.read_line(&mut head).unwrap();
        }
        let head = head.to_ascii_lowercase();
        let sized = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; sized.unwrap().parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
        (head, String::from_utf8(body).unwrap())
    });
    (Site::new(&url), thread)
}

fn ask(status: &str, body: &str, shape: Shape) -> (Result<(), Complaint>, String, String) {
    let (site, peer) = site(status, body);
    let mut out = Vec::new();
    let asked = site.ask("SELECT 1", shape, &mut out);
    let (head, sent) = peer.join().unwrap();
    assert_eq!(sent, "SELECT 1");
    (asked, String::from_utf8(out).unwrap(), head)
}

#[test]
fn a_table_has_numbers_to_the_right() {
    let csv = "device,number,text\nfarm/barn1,21.5,\nfarm/pump,-3,\"on\nnow\"\n";
    let (asked, out, head) = ask("200 OK", csv, Shape::Table);
    asked.unwrap();
    assert!(head.contains("accept: text/csv"));
    expect![[r#"
        device      number  text
        ──────────  ──────  ──────
        farm/barn1    21.5
        farm/pump       -3  on␣now
        2 rows
    "#]]
    .assert_eq(&out);
}

#[test]
fn json_comes_as_one_object_a_line_untouched() {
    let body = r#"[{"z":1.10,"a":"x"},{"z":12345678901234567890,"a":null}]"#;
    let (asked, out, head) = ask("200 OK", body, Shape::Json);
    asked.unwrap();
    assert!(head.contains("accept: application/json"));
    assert_eq!(out, "{\"z\":1.10,\"a\":\"x\"}\n{\"z\":12345678901234567890,\"a\":null}\n");
}

#[test]
fn csv_is_passed_through() {
    let (asked, out, _) = ask("200 OK", "a,b\n1,2\n", Shape::Csv);
    asked.unwrap();
    assert_eq!(out, "a,b\n1,2\n");
}

#[test]
fn a_statement_that_fails_says_why() {
    let reason = r#"{"error":"there is no table 'reading'"}"#;
    let (asked, out, _) = ask("400 Bad Request", reason, Shape::Table);
    let complaint = asked.unwrap_err();
    assert_eq!((complaint.exit, out.as_str()), (Exit::Failed, ""));
    assert_eq!(complaint.cause, "there is no table 'reading'");
    let (asked, ..) = ask("400 Bad Request", "plain words\n", Shape::Csv);
    assert_eq!(asked.unwrap_err().cause, "plain words");
    let (asked, ..) = ask("404 Not Found", "", Shape::Csv);
    assert_eq!(asked.unwrap_err().exit, Exit::NotFound);
    let (asked, ..) = ask("200 OK", "[{\"a\":1}", Shape::Json);
    assert_eq!(asked.unwrap_err().exit, Exit::Failed);
}

#[test]
fn a_site_that_is_not_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api/sql", listener.local_addr().unwrap());
    drop(listener);
    let complaint = Site::new(&url).ask("SELECT 1", Shape::Csv, &mut Vec::new()).unwrap_err();
    assert_eq!(complaint.exit, Exit::Unreachable);
}

#[test]
fn a_statement_ends_with_a_semicolon_or_an_empty_line() {
    let mut typed = Typed::default();
    assert_eq!(typed.take_line(""), Step::More);
    assert_eq!(typed.take_line("SELECT 1;"), Step::Ask("SELECT 1;".to_owned()));
    assert_eq!(typed.take_line("SELECT ';'"), Step::More);
    assert_eq!(typed.take_line("  FROM a"), Step::More);
    assert_eq!(typed.take_line(""), Step::Ask("SELECT ';'\n  FROM a".to_owned()));
    assert_eq!(typed.take_line(".help"), Step::Help);
    assert_eq!(typed.take_line("\\q"), Step::Quit);
}

//! Answers of a site, and what becomes of them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use super::*;

/// A site that gives these answers, one for each request, and hands out what it was sent.
fn site(answers: &'static [&'static str]) -> (String, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let serve = move || {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut socket, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(socket.try_clone().unwrap());
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(told) = line.to_lowercase().strip_prefix("content-length:") {
                    length = told.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
                head.push_str(&line);
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let first = head.lines().next().unwrap().to_owned();
            requests.push(format!("{first}\n{}", String::from_utf8(body).unwrap()));
            socket.write_all(answer.as_bytes()).unwrap();
        }
        requests
    };
    (address, thread::spawn(serve))
}

const TAKEN: &str = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
const FULL: &str = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\nconnection: close\r\n\
    content-length: 28\r\n\r\n{\"error\":{\"message\":\"full\"}}";
const BAD: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 4\r\n\r\nnope";

fn lines(points: &str) -> Batch<'_> {
    Batch::Lines { database: "a b", points }
}

#[test]
fn an_overloaded_site_is_asked_again_with_the_same() {
    let (address, served) = site(&[FULL, FULL, TAKEN]);
    let stop = Stop::default();
    let mut door = HttpDoor::new(&address, Duration::from_secs(60), &stop);
    door.send(Batch::Senml("[]\n")).unwrap();
    assert_eq!(door.retries, 2);
    assert_eq!(served.join().unwrap(), ["POST /api/senml?name=import HTTP/1.1\n[]\n"; 3]);
}

#[test]
fn patience_ends_and_the_reason_is_told() {
    let (address, served) = site(&[FULL]);
    let stop = Stop::default();
    let mut door = HttpDoor::new(&address, Duration::ZERO, &stop);
    let told = door.send(lines("m v=1\n")).unwrap_err();
    assert_eq!(told.to_string(), "the site takes nothing: full");
    assert_eq!(served.join().unwrap(), ["POST /write?db=a%20b HTTP/1.1\nm v=1\n"]);
}

#[test]
fn what_is_refused_is_not_sent_again() {
    let (address, served) = site(&[BAD]);
    let stop = Stop::default();
    let mut door = HttpDoor::new(&address, Duration::from_secs(60), &stop);
    let told = door.send(lines("m")).unwrap_err();
    assert_eq!(told.to_string(), "the site refuses with status 400: nope");
    assert_eq!(served.join().unwrap().len(), 1);
}

#[test]
fn a_site_that_was_never_there_is_not_waited_for_and_one_that_was_is() {
    let (address, served) = site(&[TAKEN]);
    let stop = Stop::default();
    let mut door = HttpDoor::new(&address, Duration::ZERO, &stop);
    door.send(lines("m v=1")).unwrap();
    served.join().unwrap();
    // Nobody listens any more.
    assert!(matches!(door.attempt(lines("m v=1")), Attempt::Again(..)));
    let mut door = HttpDoor::new(&address, Duration::from_secs(60), &stop);
    assert!(matches!(door.send(lines("m v=1")), Err(DoorFault::Unreachable(_))));
}

#[test]
fn whoever_asks_to_stop_waits_for_no_site() {
    let (address, served) = site(&[FULL]);
    let stop = Stop::default();
    stop.stop();
    let mut door = HttpDoor::new(&address, Duration::from_secs(60), &stop);
    assert!(matches!(door.send(lines("m v=1")), Err(DoorFault::Stopped)));
    served.join().unwrap();
}

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Source, WritePlan, Year, write};

/// Answers every request on one connection, and is busy at each third one. Counts the lines of
/// those it takes.
fn serve(stream: &TcpStream, taken: &AtomicUsize) {
    let mut reader = BufReader::new(stream);
    for request in 1.. {
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap() == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let busy = request % 3 == 0;
        if !busy {
            let lines = body.iter().filter(|byte| **byte == b'\n').count();
            taken.fetch_add(lines, Ordering::Relaxed);
        }
        let status = if busy { "503 Service Unavailable" } else { "204 No Content" };
        let mut writer = stream;
        write!(writer, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").unwrap();
    }
}

#[test]
fn every_line_is_taken_once_though_the_store_is_busy_at_times() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("points.lp");
    let lines: String = (0..1_003).map(|number| format!("m v={number}\n")).collect();
    std::fs::write(&file, lines).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let plan = WritePlan {
        url: format!("http://{}/write", listener.local_addr().unwrap()),
        file: Some(file),
        year: Year { devices: 1, days: 1, readings: 0 },
        server_pid: std::process::id(),
        batch_lines: 10,
        connections: 3,
    };
    let taken = AtomicUsize::new(0);
    let report = std::thread::scope(|scope| {
        let taken = &taken;
        scope.spawn(move || {
            for stream in listener.incoming().take(3) {
                let stream = stream.unwrap();
                scope.spawn(move || serve(&stream, taken));
            }
        });
        write(&plan).unwrap()
    });
    assert_eq!((report.lines, report.batches, taken.into_inner()), (1_003, 101, 1_003));
    assert!(report.again > 20, "busy {} times", report.again);
}

#[test]
fn writers_share_a_year_without_a_gap() {
    let year = Year { devices: 3, days: 1, readings: 100 };
    let source = Source::Year(year, 0.into());
    let (mut batch, mut all) = (Vec::new(), Vec::new());
    let mut counts = Vec::new();
    for _ in 0..12 {
        counts.push(source.fill(&mut batch, 10).unwrap());
        all.extend_from_slice(&batch);
    }
    assert_eq!(counts, [10, 10, 10, 10, 10, 10, 10, 10, 10, 9, 0, 0]);
    let mut whole = Vec::new();
    (0..99).for_each(|number| year.write_line(number, &mut whole).unwrap());
    assert_eq!(all, whole);
}

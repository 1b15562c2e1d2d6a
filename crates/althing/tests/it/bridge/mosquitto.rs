//! A Mosquitto on a free port.

use std::io::{BufRead as _, BufReader, ErrorKind};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};

use super::PATIENCE;

/// Somebody else may take the port between our look and its start.
const TRIES: usize = 5;

/// What it said, and a bell for more.
type Log = Arc<(Mutex<String>, Condvar)>;

pub(crate) struct Mosquitto {
    child: Child,
    port: u16,
    log: Log,
    _folder: tempfile::TempDir,
}

impl Mosquitto {
    /// `None` when there is no Mosquitto on this machine. `more` belongs to the listener.
    pub(crate) fn start(more: &str) -> Option<Self> {
        (0..TRIES).find_map(|_| Self::try_start(more)).or_else(|| {
            eprintln!("no mosquitto on this machine: nothing is tested");
            None
        })
    }

    fn try_start(more: &str) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mosquitto.conf");
        let config = format!(
            "log_dest stderr\nlog_type all\nuser root\nmax_queued_messages 0\n\
             listener {port} 127.0.0.1\nallow_anonymous true\n{more}"
        );
        std::fs::write(&path, config).unwrap();
        let program = ["mosquitto", "/usr/sbin/mosquitto"].into_iter().find_map(|program| {
            let mut command = Command::new(program);
            let command = command.arg("-c").arg(&path).stdout(Stdio::null());
            match command.stderr(Stdio::piped()).spawn() {
                Err(fault) if fault.kind() == ErrorKind::NotFound => None,
                child => Some(child.unwrap()),
            }
        });
        let mut child = program?;
        let log = Log::default();
        let said = follow(child.stderr.take().unwrap(), Arc::clone(&log));
        let broker = Self { child, port, log, _folder: folder };
        drop(said);
        let began = broker.wait_for_any(&["running", "Error"]);
        (began == "running").then_some(broker)
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn wait_for(&self, word: &str) {
        self.wait_for_any(&[word]);
    }

    fn wait_for_any<'a>(&self, words: &[&'a str]) -> &'a str {
        let (log, bell) = &*self.log;
        let find = |log: &str| words.iter().copied().find(|word| log.contains(*word));
        let locked = log.lock().unwrap();
        let waited = bell.wait_timeout_while(locked, PATIENCE, |log| find(log).is_none());
        let (log, _) = waited.unwrap();
        find(&log).unwrap_or_else(|| panic!("mosquitto never said {words:?}: {log}"))
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Ends with the process.
fn follow(lines: ChildStderr, log: Log) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(lines).lines().map_while(Result::ok) {
            let mut said = log.0.lock().unwrap();
            said.push_str(&line);
            said.push('\n');
            drop(said);
            log.1.notify_all();
        }
    })
}

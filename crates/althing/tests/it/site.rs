//! A site as its owner runs it: start, a message, SQL, stop, kill, start again.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use field::client::Options;
use field::{Client, Clock, Stop};
use model::Qos;

pub(crate) struct Running {
    child: Child,
    pub(crate) mqtt: String,
    pub(crate) http: String,
}

impl Running {
    /// With `althing.toml` in `data`, if there is one.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &["--anonymous"])
    }

    /// The same with other flags.
    pub(crate) fn start_with(data: &Path, flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_althing"))
            .arg("serve")
            .args(flags)
            .args(["--mqtt", "127.0.0.1:0", "--http", "127.0.0.1:0"])
            .args(["--postgres", "127.0.0.1:0"])
            .arg("--data")
            .arg(data)
            .current_dir(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut address = |word: &str| {
            let line = lines.next().unwrap().unwrap();
            line.strip_prefix(word).unwrap_or_else(|| panic!("{word}? {line}")).trim().to_owned()
        };
        let (mqtt, http) = (address("mqtt"), address("http"));
        assert!(address("postgres").starts_with("127.0.0.1:"));
        assert_eq!(address("ready"), "");
        Self { child, mqtt, http }
    }

    /// Publishes and waits for the acknowledgement.
    pub(crate) fn publish(&self, topic: &str, payload: &str) {
        let options = Options::new(&self.mqtt, "tester");
        let mut client = Client::connect(options, Clock::start(), Stop::default()).unwrap();
        client.publish(topic, payload.as_bytes(), Qos::AtLeastOnce, false).unwrap();
        client.drain().unwrap();
        client.disconnect().unwrap();
    }

    pub(crate) fn sql(&self, statement: &str) -> String {
        let url = format!("http://{}/api/sql", self.http);
        let mut answer =
            ureq::post(&url).header("content-type", "text/plain").send(statement).unwrap();
        answer.body_mut().read_to_string().unwrap()
    }

    pub(crate) fn http(&self) -> &str {
        &self.http
    }

    pub(crate) fn metrics(&self) -> String {
        self.get("/metrics")
    }

    /// What a browser gets, redirects followed.
    pub(crate) fn get(&self, path: &str) -> String {
        let url = format!("http://{}{path}", self.http);
        ureq::get(&url).call().unwrap().body_mut().read_to_string().unwrap()
    }

    /// Asks the process to read its files again.
    pub(crate) fn reload(&self) {
        self.signal(rustix::process::Signal::HUP);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Asks the process to stop; says its exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.signal(rustix::process::Signal::TERM);
        self.child.wait().unwrap().code()
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

const VALUES: &str = "SELECT signal, number FROM readings ORDER BY signal, number";

#[test]
fn what_was_acknowledged_is_in_sql_at_once_after_a_stop_and_after_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let site = Running::start(data.path());
    site.publish("farm/barn", r#"{"t":21.5,"h":40}"#);
    let expected = r#"[{"signal":"h","number":40.0},{"signal":"t","number":21.5}]"#;
    assert_eq!(site.sql(VALUES).replace('\n', ""), expected);
    assert_eq!(site.stop(), Some(0), "a stop that was asked for is no failure");

    let site = Running::start(data.path());
    assert_eq!(site.sql(VALUES).replace('\n', ""), expected);
    site.publish("farm/barn2", r#"{"t":7}"#);
    site.kill();

    let site = Running::start(data.path());
    assert!(site.sql(VALUES).contains("7.0"), "the last one was acknowledged before the kill");
    assert_eq!(site.stop(), Some(0));
}

#[test]
fn labels_outlive_a_kill_and_a_page_tells_of_every_day() {
    const LABELS: &str = "SELECT label, value FROM labels ORDER BY label";
    let data = tempfile::tempdir().unwrap();
    let site = Running::start(data.path());
    site.publish("any", "readings,name=o'brien/7,fleet=South,load_capacity=1500 velocity=5");
    site.publish("any", "readings,name=o'brien/7,fleet=North velocity=6");
    let expected =
        r#"[{"label":"fleet","value":"North"},{"label":"load_capacity","value":"1500"}]"#;
    assert_eq!(site.sql(LABELS).replace('\n', ""), expected);
    assert!(site.get("/devices/o'brien/7").contains("North"));
    site.kill();

    let site = Running::start(data.path());
    assert_eq!(site.sql(LABELS).replace('\n', ""), expected);
    let devices = site.get("/completeness?days=14");
    assert!(
        devices.contains("o&#39;brien/7") && devices.contains("One device, by day"),
        "{devices}"
    );
    let signals = site.get("/completeness?device=o'brien/7");
    assert!(
        signals.contains("readings.velocity") && signals.contains("reports by exception"),
        "{signals}"
    );
    assert_eq!(site.stop(), Some(0));
}

#[test]
fn an_operator_sees_a_client_everywhere_and_closes_it() {
    let data = tempfile::tempdir().unwrap();
    let site = Running::start(data.path());
    let options = Options::new(&site.mqtt, "anna/1");
    let mut client = Client::connect(options, Clock::start(), Stop::default()).unwrap();
    client.subscribe("farm/#", Qos::AtLeastOnce).unwrap();
    client.publish("farm/barn", b"21.5", Qos::AtLeastOnce, false).unwrap();
    client.drain().unwrap();
    let get = |path: &str| site.get(path);
    let told: serde_json::Value = serde_json::from_str(&get("/api/clients/anna%2F1")).unwrap();
    assert_eq!((&told["messages_in"], &told["transport"]), (&1.into(), &"tcp".into()), "{told}");
    assert!(get("/system?search=ANNA").contains("href=\"/system/clients/anna/1\""));
    assert!(get("/system/clients/anna/1").contains("farm/#"));
    assert!(get("/metrics").contains("\nalthing_sessions_connected 1\n"));

    let top = Command::new(env!("CARGO_BIN_EXE_althing"))
        .args(["top", "--once", "--http", &site.http])
        .current_dir(data.path())
        .output()
        .unwrap();
    let picture = String::from_utf8(top.stdout).unwrap();
    assert!(picture.contains("1 connected of 1") && picture.contains("anna/1"), "{picture}");

    let url = format!("http://{}/api/clients/anna%2F1", site.http);
    let closed = ureq::delete(&url).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(closed.contains("\"closed\":true"), "{closed}");
    while !get("/metrics").contains("\nalthing_sessions_connected 0\n") {}
    assert_eq!(site.stop(), Some(0));
}

/// What agents write over HTTP is in SQL when they hear that it was taken, and goes into a backup.
#[test]
fn what_is_written_over_http_is_there_and_in_the_backup() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    std::fs::create_dir_all(&data).unwrap();
    let site = Running::start(&data);
    let url = format!("http://{}/write?db=farm", site.http);
    let body = "weather,station=nord temperature=21.5 1714816800000\nweather,station=sued temperature=23\n";
    assert_eq!(ureq::post(&url).send(body).unwrap().status(), 204);
    let count = "SELECT device, count(*) AS n FROM readings GROUP BY 1 ORDER BY 1";
    let expected = "[{\"device\":\"nord\",\"n\":1},\n{\"device\":\"sued\",\"n\":1}]";
    assert_eq!(site.sql(count).trim(), expected);

    let althing = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_althing"));
        command.args(arguments).current_dir(folder.path()).output().unwrap()
    };
    let asked = althing(&[
        "sql",
        "SELECT time, device, number FROM readings",
        "--http",
        &site.http,
        "--parquet",
        "--out",
        "all.parquet",
    ]);
    assert!(asked.status.success(), "{asked:?}");
    assert!(std::fs::read(folder.path().join("all.parquet")).unwrap().starts_with(b"PAR1"));
    let asked = althing(&[
        "sql",
        "SELECT nothing FROM readings",
        "--http",
        &site.http,
        "--out",
        "none.csv",
    ]);
    let said = String::from_utf8_lossy(&asked.stderr).into_owned();
    assert!(!asked.status.success() && said.contains("There is no column \"nothing\"."), "{said}");
    assert!(
        !folder.path().join("none.csv").exists() && !folder.path().join("none.csv.part").exists()
    );
    let taken = althing(&["backup", "saved", "--data", "data"]);
    assert!(taken.status.success(), "{taken:?}");
    assert_eq!(site.stop(), Some(0));
    let checked = althing(&["verify", "saved"]);
    assert!(checked.status.success(), "{checked:?}");
    let restored = althing(&["restore", "saved", "--data", "copy"]);
    assert!(restored.status.success(), "{restored:?}");
    assert!(althing(&["verify", "copy"]).status.success());
    let again = althing(&["restore", "saved", "--data", "copy"]);
    assert_eq!(again.status.code(), Some(2), "{again:?}");
    let site = Running::start(&copy);
    assert_eq!(site.sql(count).trim(), expected);
    assert_eq!(site.stop(), Some(0));
}

#[test]
fn a_second_site_on_the_same_data_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let site = Running::start(data.path());
    let second = Command::new(env!("CARGO_BIN_EXE_althing"))
        .args(["serve", "--anonymous", "--mqtt", "127.0.0.1:0", "--http", "127.0.0.1:0"])
        .args(["--postgres", "127.0.0.1:0"])
        .arg("--data")
        .arg(data.path())
        .current_dir(data.path())
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("another process"), "{said}");
    assert_eq!(site.stop(), Some(0));
}

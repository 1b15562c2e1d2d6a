//! Bridges between a site and a real Mosquitto. Without one on this machine there is nothing to
//! test against, and the tests say so.

use std::collections::BTreeMap;
use std::path::Path;

use field::client::Options;
use field::{Client, Clock, Event, Stop};
use model::Qos;

use crate::site::Running;

mod authority;
mod mosquitto;
mod proxy;

use authority::Authority;
use mosquitto::Mosquitto;
use proxy::Proxy;

/// Longest that a test waits for what should come at once.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// A client that remembers what it heard.
struct Person {
    client: Client,
    /// Payloads by topic, in order.
    heard: BTreeMap<String, Vec<String>>,
}

impl Person {
    fn at(address: &str, name: &str, filter: &str) -> Self {
        let options = Options::new(address, name);
        let client = Client::connect(options, Clock::start(), Stop::default()).unwrap();
        let mut person = Self { client, heard: BTreeMap::new() };
        person.client.subscribe(filter, Qos::AtLeastOnce).unwrap();
        let clock = Clock::start();
        while clock.moment().since(model::Moment::START) < PATIENCE {
            person.client.pump(PATIENCE).unwrap();
            match person.client.poll_event() {
                Some(Event::Subscribed { .. }) => return person,
                Some(Event::Message { topic, payload, .. }) => person.note(&topic, &payload),
                Some(Event::Answered { .. } | Event::Back { .. }) | None => {}
            }
        }
        panic!("no answer to a subscription");
    }

    fn says(&mut self, topic: &str, payload: &str, retain: bool) {
        self.client.publish(topic, payload.as_bytes(), Qos::AtLeastOnce, retain).unwrap();
        self.client.drain().unwrap();
    }

    fn note(&mut self, topic: &str, payload: &[u8]) {
        let payload = String::from_utf8(payload.to_vec()).unwrap();
        self.heard.entry(topic.to_owned()).or_default().push(payload);
    }

    fn listen(&mut self) {
        self.client.pump(PATIENCE).unwrap();
        while let Some(event) = self.client.poll_event() {
            if let Event::Message { topic, payload, .. } = event {
                self.note(&topic, &payload);
            }
        }
    }

    fn has(&self, topic: &str) -> &[String] {
        self.heard.get(topic).map_or(&[], Vec::as_slice)
    }

    /// Listens until `payload` came on `topic`.
    fn waits_for(&mut self, topic: &str, payload: &str) {
        let clock = Clock::start();
        while !self.has(topic).iter().any(|it| it == payload) {
            let waited = clock.moment().since(model::Moment::START);
            assert!(waited < PATIENCE, "{payload} never came on {topic}: {:?}", self.heard);
            self.listen();
        }
    }
}

fn write_config(data: &Path, address: &str, more: &str) {
    let config = format!("[[bridge]]\nname = 'cloud'\naddress = '{address}'\n{more}");
    std::fs::write(data.join("althing.toml"), config).unwrap();
}

fn wait_for_metric(site: &Running, what: &str, is_so: impl Fn(&str) -> bool) {
    let clock = Clock::start();
    let mut metrics = site.metrics();
    while !metrics.lines().filter_map(|line| line.strip_prefix(what)).any(&is_so) {
        let waited = clock.moment().since(model::Moment::START);
        assert!(waited < PATIENCE, "{what} stays: {metrics}");
        metrics = site.metrics();
    }
}

/// Numbers from 0, each once or more, and each for the first time in its turn.
fn must_be_in_order(heard: &[String], count: usize) {
    let mut next = 0;
    for number in heard.iter().map(|text| text.parse::<usize>().unwrap()) {
        assert!(number <= next, "{number} came before {next}");
        next = next.max(number + 1);
    }
    assert_eq!(next, count, "some are missing");
}

const BOTH_WAYS: &str = "
[[bridge.out]]
filter = 'farm/#'
prefix-remove = 'farm/'
prefix-add = 'north/'
[[bridge.in]]
filter = 'orders/north/#'
prefix-remove = 'orders/north/'
prefix-add = 'do/'
";

#[test]
fn messages_cross_both_ways_under_their_other_names() {
    for version in ["version = '5'", "version = '3.1.1'", "version = '3.1.1'\nbridge-bit = true"] {
        let Some(broker) = Mosquitto::start("") else { return };
        let data = tempfile::tempdir().unwrap();
        write_config(data.path(), &broker.address(), &format!("{version}\n{BOTH_WAYS}"));
        let site = Running::start(data.path());
        let mut here = Person::at(&site.mqtt, "here", "do/#");
        let mut there = Person::at(&broker.address(), "there", "north/#");
        // Retained, so that it does not matter who subscribes first.
        here.says("farm/barn/t", "21.5", true);
        there.waits_for("north/barn/t", "21.5");
        there.says("orders/north/pump", "on", true);
        here.waits_for("do/pump", "on");
        wait_for_metric(&site, "althing_bridge_up{bridge=\"cloud\"} ", |up| up == "1");
        assert_eq!(site.stop(), Some(0));
    }
}

#[test]
fn a_link_that_is_cut_and_down_under_load_loses_nothing_and_keeps_the_order() {
    const COUNT: usize = 400;
    for version in ["5", "3.1.1"] {
        let Some(broker) = Mosquitto::start("") else { return };
        let proxy = Proxy::to(&broker.address());
        let data = tempfile::tempdir().unwrap();
        write_config(data.path(), &proxy.address(), &format!("version = '{version}'\n{BOTH_WAYS}"));
        let site = Running::start(data.path());
        let mut here = Person::at(&site.mqtt, "here", "do/#");
        let mut there = Person::at(&broker.address(), "there", "north/#");
        here.says("farm/first", "0", true);
        there.waits_for("north/first", "0");
        there.says("orders/north/first", "0", true);
        here.waits_for("do/first", "0");
        for number in 0..COUNT {
            match number {
                150 => proxy.set_down(true),
                250 => proxy.set_down(false),
                // What was cut is whole again before it is cut once more.
                _ if number % 100 == 99 && !(150..250).contains(&number) => {
                    here.client.drain().unwrap();
                    there.waits_for("north/a", &(number - 1).to_string());
                }
                _ if number % 100 == 75 => proxy.cut(),
                _ => {}
            }
            let text = number.to_string();
            let send = |person: &mut Person, topic| {
                person.client.publish(topic, text.as_bytes(), Qos::AtLeastOnce, false).unwrap();
            };
            send(&mut here, "farm/a");
            send(&mut there, "orders/north/a");
            send(&mut here, "farm/b");
        }
        here.client.drain().unwrap();
        there.client.drain().unwrap();
        let last = (COUNT - 1).to_string();
        there.waits_for("north/a", &last);
        there.waits_for("north/b", &last);
        here.waits_for("do/a", &last);
        must_be_in_order(there.has("north/a"), COUNT);
        must_be_in_order(there.has("north/b"), COUNT);
        must_be_in_order(here.has("do/a"), COUNT);
        assert!(proxy.cuts() >= 3, "{} connections were cut", proxy.cuts());
        assert_eq!(site.stop(), Some(0));
    }
}

#[test]
fn what_waits_for_a_link_survives_kill_9() {
    let Some(broker) = Mosquitto::start("") else { return };
    let proxy = Proxy::to(&broker.address());
    let data = tempfile::tempdir().unwrap();
    write_config(data.path(), &proxy.address(), BOTH_WAYS);
    let site = Running::start(data.path());
    let mut here = Person::at(&site.mqtt, "here", "do/#");
    let mut there = Person::at(&broker.address(), "there", "north/#");
    here.says("farm/first", "0", true);
    there.waits_for("north/first", "0");
    proxy.set_down(true);
    for number in 0..200 {
        here.says("farm/a", &number.to_string(), false);
    }
    site.kill();
    proxy.set_down(false);
    let site = Running::start(data.path());
    there.waits_for("north/a", "199");
    must_be_in_order(there.has("north/a"), 200);
    assert_eq!(site.stop(), Some(0));
}

#[test]
fn the_same_topics_in_and_out_do_not_loop() {
    let both = "[[bridge.out]]\nfilter = 'shared/#'\n[[bridge.in]]\nfilter = 'shared/#'\n";
    for version in ["version = '5'", "version = '3.1.1'\nbridge-bit = true"] {
        let Some(broker) = Mosquitto::start("") else { return };
        let data = tempfile::tempdir().unwrap();
        write_config(data.path(), &broker.address(), &format!("{version}\n{both}"));
        let site = Running::start(data.path());
        let mut here = Person::at(&site.mqtt, "here", "shared/#");
        let mut there = Person::at(&broker.address(), "there", "shared/#");
        here.says("shared/first", "here", true);
        there.waits_for("shared/first", "here");
        for number in 0..20 {
            here.says("shared/a", &number.to_string(), false);
        }
        there.waits_for("shared/a", "19");
        // Whatever came back would come before this.
        there.says("shared/end", "there", false);
        here.waits_for("shared/end", "there");
        for number in 0..20 {
            there.says("shared/b", &number.to_string(), false);
        }
        here.waits_for("shared/b", "19");
        here.says("shared/end", "here", false);
        there.waits_for("shared/end", "here");
        let expected: Vec<String> = (0..20).map(|number| number.to_string()).collect();
        for topic in ["shared/a", "shared/b"] {
            assert_eq!(here.has(topic), expected, "{version} {topic}");
            assert_eq!(there.has(topic), expected, "{version} {topic}");
        }
        assert_eq!(site.stop(), Some(0));
    }
}

#[test]
fn a_broker_in_tls_must_be_who_it_says_and_asks_who_we_are() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    authority.write(folder.path());
    let Some(broker) = Mosquitto::start(&format!(
        "cafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\n",
        path("ca.pem"),
        path("server.pem"),
        path("server.key")
    )) else {
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let tls = |name: &str| {
        format!(
            "[bridge.tls]\nca = '{}'\ncertificate = '{}'\nkey = '{}'\nserver-name = '{name}'\n{BOTH_WAYS}",
            path("ca.pem"),
            path("client.pem"),
            path("client.key")
        )
    };
    write_config(data.path(), &broker.address(), &tls("localhost"));
    let site = Running::start(data.path());
    let mut here = Person::at(&site.mqtt, "here", "do/#");
    here.says("farm/barn/t", "21.5", true);
    // A message that is retained while the bridge subscribes may cross as both.
    wait_for_metric(&site, "althing_bridge_messages_sent_total ", |sent| sent != "0");
    assert_eq!(site.stop(), Some(0));

    write_config(data.path(), &broker.address(), &tls("another.example"));
    let site = Running::start(data.path());
    broker.wait_for("alert");
    assert!(site.metrics().contains("althing_bridge_up{bridge=\"cloud\"} 0"));
    assert_eq!(site.stop(), Some(0));
}

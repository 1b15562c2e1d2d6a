//! Precedence, units, and what is said about mistakes.

use expect_test::{Expect, expect};

use super::*;

mod bridges;
mod remote;

fn sources(file: &str, environment: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Sources {
    let flag = |(key, value): &(&'static str, &str)| {
        let name = key.rsplit('.').next().unwrap();
        Flag { name, key, value: (*value).to_owned() }
    };
    Sources {
        file: Some((PathBuf::from("althing.toml"), file.to_owned())),
        environment: environment
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        flags: flags.iter().map(flag).collect(),
    }
}

fn loaded(sources: &Sources) -> Loaded {
    load(sources).unwrap()
}

#[track_caller]
fn check_fault(sources: &Sources, expected: &Expect) {
    let checked = load(sources).and_then(|loaded| loaded.config.check());
    let fault = checked.unwrap_err();
    expected.assert_eq(&format!("{fault}\n{}\n", fault.place()));
}

#[test]
fn an_empty_file_is_valid_and_means_the_defaults() {
    assert_eq!(loaded(&sources("", &[], &[])).config, Config::default());
    assert_eq!(loaded(&Sources::default()).config, Config::default());
}

#[test]
fn flags_beat_the_environment_which_beats_the_file_which_beats_defaults() {
    let file = "[mqtt]\nshards = 1\naddress = '127.0.0.1:1'\nanonymous = true\n[http]\naddress = '127.0.0.1:9'";
    let environment = [("ALTHING_MQTT__SHARDS", "2"), ("ALTHING_MQTT__ADDRESS", "127.0.0.1:2")];
    let loaded = loaded(&sources(file, &environment, &[("mqtt.shards", "3")]));
    let mqtt = &loaded.config.mqtt;
    assert_eq!((mqtt.shards, mqtt.address.port(), mqtt.anonymous), (3, 2, true));
    assert_eq!(loaded.config.http.address, SocketAddr::from(([127, 0, 0, 1], 9)));
    let shown: String = loaded
        .rows()
        .filter(|(key, ..)| key.starts_with("mqtt") || key.starts_with("http"))
        .map(|(key, value, origin)| format!("{key} = {value} from {origin}\n"))
        .collect();
    expect![[r#"
        http.address = "127.0.0.1:9" from althing.toml:6
        mqtt.address = "127.0.0.1:2" from environment ALTHING_MQTT__ADDRESS
        mqtt.anonymous = true from althing.toml:4
        mqtt.credentials = "" from default
        mqtt.listener = [] from default
        mqtt.server-reference = "" from default
        mqtt.shards = 3 from flag --shards
        mqtt.sys-interval = "10s" from default
    "#]]
    .assert_eq(&shown);
}

#[test]
fn every_key_can_be_set_by_the_environment() {
    let all: Vec<(String, String)> = loaded(&Sources::default())
        .rows()
        .map(|(key, value, _)| {
            let name = key.replace('.', "__").replace('-', "_").to_ascii_uppercase();
            (format!("ALTHING_{name}"), value.trim_matches('"').to_owned())
        })
        .collect();
    let loaded = loaded(&Sources { environment: all, ..Sources::default() });
    assert_eq!(loaded.config, Config::default());
    let from_there = |origin| matches!(origin, Origin::Environment { .. });
    assert!(loaded.rows().all(|(_, _, origin)| from_there(origin)));
}

#[test]
fn a_mistyped_key_gets_a_suggestion() {
    check_fault(
        &sources("[mqtt]\n\nadress = '127.0.0.1:1'", &[], &[]),
        &expect![[r#"
        mqtt.adress is no key; did you mean mqtt.address?
        althing.toml:3
    "#]],
    );
    check_fault(
        &sources("[jurnal]\nsegment = '64MiB'", &[], &[]),
        &expect![[r#"
        jurnal is no key; did you mean journal?
        althing.toml:1
    "#]],
    );
    check_fault(
        &sources("hot-rows = 5", &[], &[]),
        &expect![[r#"
        hot-rows is no key; did you mean history.hot-rows?
        althing.toml:1
    "#]],
    );
    check_fault(
        &sources("mqtt.port = 1883", &[], &[]),
        &expect![[r#"
        mqtt.port is no key
        althing.toml:1
    "#]],
    );
    check_fault(
        &sources("[xylophone]\nsunny = true", &[], &[]),
        &expect![[r#"
        xylophone is no key
        althing.toml:1
    "#]],
    );
    check_fault(
        &sources("", &[("ALTHING_HTTP__ADRESS", "x")], &[]),
        &expect![[r#"
        http.adress is no key; did you mean http.address?
        environment ALTHING_HTTP__ADRESS
    "#]],
    );
    check_fault(
        &sources("", &[("ALTHING_HTTP_ADDRESS", "x")], &[]),
        &expect![[r#"
        ALTHING_HTTP_ADDRESS is no key; did you mean ALTHING_HTTP__ADDRESS?
        environment ALTHING_HTTP_ADDRESS
    "#]],
    );
}

#[test]
fn variables_of_others_are_left_alone() {
    let environment = [("ALTHING_SERVICE_HOST", "10.0.0.1"), ("PATH", "/bin")];
    assert_eq!(loaded(&sources("", &environment, &[])).config, Config::default());
}

#[test]
fn a_wrong_value_is_told_with_its_place() {
    check_fault(
        &sources("[mqtt]\nshards = -1", &[], &[]),
        &expect![[r#"
        mqtt.shards has a wrong value: invalid value: integer `-1`, expected u16
        althing.toml:2
    "#]],
    );
    check_fault(
        &sources("[journal]\nsegment = 64", &[], &[]),
        &expect![[r#"
        journal.segment has a wrong value: invalid type: integer `64`, expected a string
        althing.toml:2
    "#]],
    );
    check_fault(
        &sources("[journal]\nkeep-age = '7 weeks'", &[], &[]),
        &expect![[r#"
        journal.keep-age has a wrong value: a time is a number with a unit, like 500ms, 10s, 15min, 12h or 7d
        althing.toml:2
    "#]],
    );
    check_fault(
        &sources("", &[("ALTHING_MQTT__SHARDS", "many")], &[]),
        &expect![[r#"
        mqtt.shards has a wrong value: invalid type: string "many", expected u16
        environment ALTHING_MQTT__SHARDS
    "#]],
    );
    check_fault(
        &sources("", &[], &[("mqtt.address", "localhost")]),
        &expect![[r#"
        mqtt.address has a wrong value: invalid socket address syntax
        flag --address
    "#]],
    );
    check_fault(
        &sources("[mqtt", &[], &[]),
        &expect![[r#"
        the file is no TOML: TOML parse error at line 1, column 6
          |
        1 | [mqtt
          |      ^
        unclosed table, expected `]`
        althing.toml
    "#]],
    );
}

#[test]
fn keys_that_disagree_are_named() {
    check_fault(
        &sources("", &[], &[("mqtt.address", "0.0.0.0:1883")]),
        &expect![[r#"
        mqtt.address is 0.0.0.0:1883, which other machines can reach; people cannot prove who they are yet, and devices have no rights of their own, so only loopback addresses are served
        the configuration as a whole
    "#]],
    );
    check_fault(
        &sources("http.address = '127.0.0.1:1883'", &[], &[]),
        &expect![[r#"
        mqtt.address and http.address are the same address
        the configuration as a whole
    "#]],
    );
    check_fault(
        &sources("journal.keep-bytes = '100MiB'", &[], &[]),
        &expect![[r#"
        journal.keep-bytes is 100MiB, less than two segments of 64MiB
        the configuration as a whole
    "#]],
    );
    check_fault(
        &sources("journal.segment = '4KiB'", &[], &[]),
        &expect![[r#"
        journal.segment is 4KiB; it must be from 1MiB to 1GiB
        the configuration as a whole
    "#]],
    );
    check_fault(
        &sources("history.hot-age = '0s'", &[], &[]),
        &expect![[r#"
        history.hot-age must be more than nothing
        the configuration as a whole
    "#]],
    );
    check_fault(
        &sources("site.time-zone = 'Mars/Olympus'", &[], &[]),
        &expect![[r#"
        site.time-zone "Mars/Olympus" is not known on this machine
        the configuration as a whole
    "#]],
    );
}

const LISTENERS: &str = "
[[mqtt.listener]]
name = 'lan'
transport = 'tls'
address = '127.0.0.1:8883'
certificate = 'site.pem'
key = 'site.key'
client-ca = 'devices.pem'
proxy-protocol = true
packet-max = '64KiB'
limits = { message-rate = 10 }

[[mqtt.listener]]
name = 'gateway'
transport = 'unix'
path = '/run/althing/mqtt.sock'
connections-max = 8

[limits]
in-flight = 7
";

#[test]
fn listeners_are_a_list_of_tables() {
    let loaded = loaded(&sources(LISTENERS, &[], &[]));
    loaded.config.check().unwrap();
    let config = &loaded.config;
    let listeners = config.mqtt.listener.iter().map(|one| {
        let listener = one.resolve(config.limits.with(&one.limits).resolve(false)).unwrap();
        let edge::Limits { connections_max, packet_bytes_max, message_rate, receive_max, .. } =
            listener.limits;
        let limits = (connections_max, packet_bytes_max, message_rate, receive_max);
        let listener = edge::Listener { limits: edge::Limits::default(), ..listener };
        let text = format!("{listener:#?}\n");
        let (text, _rest) = text.split_once("    limits").unwrap();
        format!("{text}    {limits:?}\n}}\n")
    });
    let text: String = listeners.collect();
    expect![[r#"
        Listener {
            name: "lan",
            place: Network(
                127.0.0.1:8883,
            ),
            tls: Some(
                TlsFiles {
                    certificate: "site.pem",
                    key: "site.key",
                    client_ca: Some(
                        "devices.pem",
                    ),
                },
            ),
            web: None,
            proxy: true,
            (100000, 65536, Some(10), 7)
        }
        Listener {
            name: "gateway",
            place: Path(
                "/run/althing/mqtt.sock",
            ),
            tls: None,
            web: None,
            proxy: false,
            (8, 1048576, None, 7)
        }
    "#]]
    .assert_eq(&text);
    let (_, _, origin) = loaded.rows().find(|(key, ..)| key == "mqtt.listener").unwrap();
    assert_eq!(origin.to_string(), "althing.toml:2");
}

#[test]
fn listeners_can_come_from_the_environment() {
    let list = "[{name = 'web', transport = 'ws', address = '127.0.0.1:8083'}]";
    let loaded = loaded(&sources("", &[("ALTHING_MQTT__LISTENER", list)], &[]));
    loaded.config.check().unwrap();
    assert_eq!(loaded.config.mqtt.listener[0].name, "web");
}

/// A fault in one listener, from its keys besides the name.
#[track_caller]
fn check_listener(keys: &str, expected: &Expect) {
    check_fault(&sources(&format!("[[mqtt.listener]]\nname = 'x'\n{keys}"), &[], &[]), expected);
}

#[test]
fn a_mistake_in_a_listener_is_named() {
    check_listener(
        "transport = 'tcp'\nadress = '127.0.0.1:1'",
        &expect![[r#"
            mqtt.listener.adress is no key; did you mean mqtt.listener.address?
            althing.toml:1
        "#]],
    );
    check_listener(
        "transport = 'quic'",
        &expect![[r#"
            mqtt.listener has a wrong value: unknown variant `quic`, expected one of `tcp`, `tls`, `ws`, `wss`, `unix`
            althing.toml:1
        "#]],
    );
    check_listener(
        "transport = 'tcp'\naddress = '0.0.0.0:1884'",
        &expect![[r#"
            mqtt.listener.x.address is 0.0.0.0:1884, which other machines can reach; people cannot prove who they are yet, and devices have no rights of their own, so only loopback addresses are served
            the configuration as a whole
        "#]],
    );
    check_listener(
        "transport = 'ws'\naddress = '127.0.0.1:8080'",
        &expect![[r#"
            http.address and mqtt.listener.x.address are the same address
            the configuration as a whole
        "#]],
    );
    check_listener(
        "transport = 'tls'\naddress = '127.0.0.1:8883'\ncertificate = 'a'",
        &expect![[r#"
            mqtt.listener "x" has no key, which its transport needs
            the configuration as a whole
        "#]],
    );
    check_listener(
        "transport = 'tcp'\naddress = '127.0.0.1:1884'\nclient-ca = 'a'",
        &expect![[r#"
            mqtt.listener "x" has client-ca, which its transport does not use
            the configuration as a whole
        "#]],
    );
    check_listener(
        "transport = 'unix'\npath = 'a'\npacket-max = '1GiB'",
        &expect![[r#"
            mqtt.listener "x" has packet-max 1GiB; it must be from 1KiB to 256MiB
            the configuration as a whole
        "#]],
    );
    check_listener(
        "transport = 'unix'\npath = 'a'\n[[mqtt.listener]]\nname = 'y'\ntransport = 'unix'\npath = 'a'",
        &expect![[r#"
            two of mqtt.listener have the name or the path of "x"
            the configuration as a whole
        "#]],
    );
}

#[test]
fn two_free_ports_are_not_the_same() {
    let any = sources("mqtt.address = '[::1]:0'\nhttp.address = '[::1]:0'", &[], &[]);
    assert_eq!(loaded(&any).config.http.address.port(), 0);
    loaded(&any).config.check().unwrap();
}

#[test]
fn amounts_read_and_print_with_their_units() {
    for (text, bytes) in [("64MiB", 64 << 20), ("4 GiB", 4 << 30), ("512kB", 512_000), ("7B", 7)] {
        let parsed: Bytes = text.parse().unwrap();
        assert_eq!(parsed.get(), bytes);
        assert_eq!(parsed.to_string().parse(), Ok(parsed));
    }
    for (text, millis) in [("15min", 900_000), ("7d", 604_800_000), ("500ms", 500), ("0s", 0)] {
        let parsed: Span = text.parse().unwrap();
        assert_eq!(parsed.get().as_millis(), millis);
        assert_eq!(parsed.to_string().parse(), Ok(parsed));
    }
    assert_eq!(Bytes::mebi(4_096).to_string(), "4GiB");
    assert_eq!(Span::minutes(90).to_string(), "90min");
    for wrong in ["", "64", "MiB", "-1MiB", "1.5GiB", "99999999999TiB", "1 MB B"] {
        assert_eq!(wrong.parse::<Bytes>(), Err(quantity::QuantityFault::Bytes), "{wrong}");
    }
    for wrong in ["", "7", "7 weeks", "1h30min", "-1s"] {
        assert_eq!(wrong.parse::<Span>(), Err(quantity::QuantityFault::Span), "{wrong}");
    }
}

#[test]
fn the_guide_tells_every_key_and_its_default() {
    let guide =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/config.md"));
    let guide = guide.unwrap();
    for (key, value, _) in loaded(&Sources::default()).rows() {
        let line = format!("| `{key}` | `{}` |", value.trim_matches('"'));
        assert!(guide.contains(&line), "docs/config.md has no line that begins {line}");
    }
    let bridges = [bridge::KEYS, bridge::TLS_KEYS, bridge::ROUTE_KEYS].concat();
    for key in listener::KEYS.iter().chain(&bridges) {
        let line = format!("| `{key}` |");
        assert!(guide.contains(&line), "docs/config.md has no line that begins {line}");
    }
}

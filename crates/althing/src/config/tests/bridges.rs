//! `[[bridge]]`: what is read, and what is said about mistakes.

use super::*;

const CLOUD: &str = "
[[bridge]]
name = 'cloud'
address = 'broker.example:8883'
user = 'farm'
password = 'hunter2'
version = '3.1.1'

[bridge.tls]
ca = 'ca.pem'
alpn = ['x-amzn-mqtt-ca']

[[bridge.out]]
filter = 'farm/#'
prefix-remove = 'farm/'
prefix-add = 'north/'

[[bridge.in]]
filter = 'orders/#'
qos = 0
retain = false
";

#[test]
fn a_bridge_is_a_table_with_lists_of_lines() {
    let loaded = loaded(&sources(CLOUD, &[], &[]));
    loaded.config.check().unwrap();
    let plan = loaded.config.bridge[0].resolve().unwrap();
    assert_eq!((&*plan.name, &*plan.remote.client_id), ("cloud", "bridge-cloud"));
    assert_eq!((plan.window, plan.packet_bytes_max), (64, 1 << 20));
    assert_eq!(plan.outward.routes()[0].map("farm/barn").as_deref(), Some("north/barn"));
    assert_eq!(plan.inward.routes()[0].filter(), "orders/#");
    let (_, _, origin) = loaded.rows().find(|(key, ..)| key == "bridge").unwrap();
    assert_eq!(origin.to_string(), "althing.toml:2");
}

#[test]
fn a_password_is_used_and_never_shown() {
    let loaded = loaded(&sources(CLOUD, &[], &[]));
    assert_eq!(loaded.config.bridge[0].password.as_deref(), Some("hunter2"));
    let shown: String = loaded.rows().map(|(_, value, _)| value).collect();
    assert!(shown.contains("cloud") && !shown.contains("hunter2"), "{shown}");
    let debug = format!("{:?} {:?}", loaded.config, loaded.config.bridge[0].resolve());
    assert!(!debug.contains("hunter2"), "{debug}");
}

#[test]
fn bridges_can_come_from_the_environment() {
    let list = "[{name = 'x', address = 'h:1', out = [{filter = 'a'}]}]";
    let loaded = loaded(&sources("", &[("ALTHING_BRIDGE", list)], &[]));
    loaded.config.check().unwrap();
    assert_eq!(loaded.config.bridge[0].out[0].filter, "a");
}

/// A fault in one bridge, from its keys besides name and address.
#[track_caller]
fn check_bridge(keys: &str, expected: &Expect) {
    let text = format!("[[bridge]]\nname = 'x'\naddress = 'h:1883'\n{keys}");
    check_fault(&sources(&text, &[], &[]), expected);
}

#[test]
fn a_mistyped_key_in_a_bridge_gets_a_suggestion_at_any_depth() {
    check_bridge(
        "keepalive = '5s'",
        &expect![[r#"
            bridge.keepalive is no key; did you mean bridge.keep-alive?
            althing.toml:1
        "#]],
    );
    check_bridge(
        "tls = { cafile = 'x' }",
        &expect![[r#"
            bridge.tls.cafile is no key; did you mean bridge.tls.ca?
            althing.toml:1
        "#]],
    );
    check_bridge(
        "[[bridge.out]]\nfiltre = 'a'",
        &expect![[r#"
            bridge.out.filtre is no key; did you mean bridge.out.filter?
            althing.toml:1
        "#]],
    );
}

#[test]
fn a_bridge_that_cannot_work_is_refused_at_the_start() {
    check_bridge(
        "",
        &expect![[r#"
            bridge "x" has neither out nor in, so that nothing would cross
            the configuration as a whole
        "#]],
    );
    check_bridge(
        "out = [{ filter = 'a/#/b' }]",
        &expect![[r#"
            bridge "x" has the filter "a/#/b", which is none: in a filter '+' fills a whole level and '#' is the whole last level; see byte 2
            the configuration as a whole
        "#]],
    );
    check_bridge(
        "version = '3.1.1'\nout = [{ filter = 'a/#' }]\nin = [{ filter = 'a/b' }]",
        &expect![[r#"
            bridge "x" would loop: what goes out by "a/#" comes back by "a/b"; let the two not meet, or use version = "5", or bridge-bit = true if the other broker knows it
            the configuration as a whole
        "#]],
    );
    check_bridge(
        "out = [{ filter = 'a', qos = 2 }]",
        &expect![[r#"
            bridge "x" has qos 2; a bridge speaks QoS 0 and 1
            the configuration as a whole
        "#]],
    );
    check_bridge(
        "tls = { ca = 'a', key = 'b' }\nout = [{ filter = 'a' }]",
        &expect![[r#"
            bridge "x" has tls.key but not its counterpart; certificate and key go together
            the configuration as a whole
        "#]],
    );
    check_bridge(
        "in-flight = 1000\nout = [{ filter = 'a' }]",
        &expect![[r#"
            bridge "x" has in-flight 1000; it must be from 1 to 256
            the configuration as a whole
        "#]],
    );
    check_bridge(
        "out = [{ filter = 'a' }]\n[[bridge]]\nname = 'x'\naddress = 'h:2'\nout = [{ filter = 'b' }]",
        &expect![[r#"
            two bridges have the name "x"
            the configuration as a whole
        "#]],
    );
    let nowhere = "[[bridge]]\nname = 'x'\naddress = 'broker'\nout = [{ filter = 'a' }]";
    check_fault(
        &sources(nowhere, &[], &[]),
        &expect![[r#"
            bridge "x" has the address "broker"; it must be a host and a port, like broker.example:8883
            the configuration as a whole
        "#]],
    );
}

use expect_test::expect;

use super::super::rows::{INGEST, MQTT};
use super::{Outcome, Peer, Table};

fn outcome(figure: f64) -> Outcome {
    Outcome { figure, per_second: figure, lost: 1, ..Outcome::default() }
}

#[test]
fn ratios_compare_with_the_first_broker_and_with_the_limit() {
    let mut table = Table::new(&[Peer::Althing, Peer::Mosquitto, Peer::Rumqttd, Peer::Limit]);
    for (peer, figure) in [
        (Peer::Mosquitto, 50.0),
        (Peer::Althing, 100.0),
        (Peer::Mosquitto, 150.0),
        (Peer::Limit, 400.0),
    ] {
        table.cell(&INGEST[0], peer).outcomes.push(outcome(figure));
    }
    let why = "the broker closed a connection".to_owned();
    table.cell(&INGEST[0], Peer::Rumqttd).failures.push(why);
    let last = MQTT.iter().find(|row| row.id == "one-in-flight").unwrap();
    let slow = Outcome { disk_us: Some(50.0), ..outcome(100.0) };
    table.cell(last, Peer::Althing).outcomes.push(slow);
    table.cell(last, Peer::Mosquitto).outcomes.push(outcome(25.0));
    table.cell(last, Peer::Mosquitto).failures.push("no answer".to_owned());
    let tls = MQTT.iter().find(|row| row.tls).unwrap();
    table.cell(tls, Peer::Limit);
    expect![[r#"

        Medians. `ahead`: how many times better the first broker is.
        `of limit`: how near a broker comes to a forwarder that decides nothing.

        json readings, qos 1, 100 in, window 50 (readings)
                        per CPU s   ahead of limit       per s    p50 us    p99 us  p99.9 us   gen    MB  lost   dup order
          althing             100    1.00     25 %         100         0         0         0  0.00     0     1     0     0
            durable and queryable readings per CPU s 200; missing in SQL 0, extra 0
          mosquitto           100    1.00     25 %         100         0         0         0  0.00     0     2     0     0
          rumqttd    failed: the broker closed a connection
          limit               400    0.25    100 %         400         0         0         0  0.00     0     1     0     0

        qos 1, one in flight, us (one-in-flight)
                       PUBACK p50   ahead of limit       per s    p50 us    p99 us  p99.9 us   gen    MB  lost   dup order
          althing             100    1.00        -         100         0         0         0  0.00     0     1     0     0
            write and sync p50 50 us, PUBACK is 2.00 times that
          mosquitto            25    0.25        -          25         0         0         0  0.00     0     1     0     0
            failed in 1 further rounds: no answer

        TLS connects, whole handshakes (tls-connects)
                        per CPU s   ahead of limit       per s    p50 us    p99 us  p99.9 us   gen    MB  lost   dup order
          limit      not measured: forwards plain bytes
    "#]].assert_eq(&table.to_string());
}

#[test]
fn short_names_of_rows_differ_and_choose_one() {
    let mut ids: Vec<_> = MQTT.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), MQTT.len());
    let chosen = |word: &str| MQTT.iter().filter(|row| row.is_meant(&[word.to_owned()])).count();
    assert_eq!((chosen("fan-in-0"), chosen("qos 0, 1 to 100")), (1, 2));
}

use expect_test::expect;

use super::super::rows::{INGEST, MQTT};
use super::{Outcome, Peer, Table, median};

#[test]
fn the_median_of_an_even_number_is_between_the_middle_two() {
    assert!((median(vec![9.0, 1.0, 5.0]) - 5.0).abs() < 1e-12);
    assert!((median(vec![9.0, 1.0, 5.0, 6.0]) - 5.5).abs() < 1e-12);
    assert!(median(vec![]).is_nan());
}

fn outcome(figure: f64) -> Outcome {
    Outcome { figure, per_second: figure, lost: 1, ..Outcome::default() }
}

#[test]
fn ratios_compare_with_the_first_broker() {
    let mut table = Table::new(&[Peer::Althing, Peer::Mosquitto]);
    table.add(&INGEST[0], Peer::Mosquitto, outcome(50.0));
    table.add(&INGEST[0], Peer::Althing, outcome(100.0));
    table.add(&INGEST[0], Peer::Mosquitto, outcome(150.0));
    let last = MQTT.last().unwrap();
    table.add(last, Peer::Althing, Outcome { disk_us: Some(50.0), ..outcome(100.0) });
    table.add(last, Peer::Mosquitto, outcome(25.0));
    expect![[r#"

        Medians; `ahead` is how many times better the first broker is.

        json readings, qos 1, 100 in, window 50
                        per CPU s   ahead        per s     p50 us     p99 us    gen    MB  lost   dup order
          althing             100    1.00          100          0          0   0.00     0     1     0     0
            durable and queryable readings per CPU s 200; missing in SQL 0, extra 0
          mosquitto           100    1.00          100          0          0   0.00     0     2     0     0

        qos 1, one in flight, us
                       PUBACK p50   ahead        per s     p50 us     p99 us    gen    MB  lost   dup order
          althing             100    1.00          100          0          0   0.00     0     1     0     0
            write and sync p50 50 us, PUBACK is 2.00 times that
          mosquitto            25    0.25           25          0          0   0.00     0     1     0     0
    "#]].assert_eq(&table.to_string());
}

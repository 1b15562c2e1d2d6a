use model::Qos;

use super::*;
use crate::Grant;

const AN_HOUR: Duration = Duration::from_secs(3_600);

fn subscribe(all: &Subscriptions, sessions: &mut Sessions<()>, key: SessionKey, text: &str) {
    let filter = TopicFilter::parse(text).unwrap();
    let grant = Grant {
        session: key,
        qos: Qos::AtLeastOnce,
        no_local: false,
        retain_as_published: false,
        identifier: None,
    };
    all.subscribe(&filter, grant).unwrap();
    sessions.get_mut(key).unwrap().remember(filter);
}

//= mqtt-v5 MQTT-3.1.2-5, MQTT-3.1.3-2 test
//= mqtt-v311 MQTT-3.1.2-4, MQTT-3.1.3-2 test
#[test]
fn a_client_that_comes_back_finds_its_session_and_displaces_its_old_connection() {
    let (all, mut sessions) = (Subscriptions::default(), Sessions::<()>::new(3));
    let first = sessions.open("anna", false, ConnectionKey(1), &all).unwrap();
    assert_eq!((first.present, first.displaced), (false, None));
    subscribe(&all, &mut sessions, first.key, "a/#");

    let again = sessions.open("anna", false, ConnectionKey(2), &all).unwrap();
    assert_eq!(again, Opened { key: first.key, present: true, displaced: Some(ConnectionKey(1)) });
    assert_eq!(all.len(), 1);
}

//= mqtt-v5 MQTT-3.1.2-4, MQTT-3.1.4-4 test
//= mqtt-v311 MQTT-3.1.2-6, MQTT-3.1.4-3 test
#[test]
fn a_clean_start_ends_the_old_session_and_its_subscriptions() {
    let (all, mut sessions) = (Subscriptions::default(), Sessions::<()>::new(0));
    let first = sessions.open("anna", false, ConnectionKey(1), &all).unwrap();
    subscribe(&all, &mut sessions, first.key, "a/#");
    let clean = sessions.open("anna", true, ConnectionKey(2), &all).unwrap();
    assert!(!clean.present && clean.displaced == Some(ConnectionKey(1)));
    assert!(all.is_empty() && sessions.len() == 1);
    assert!(sessions.get(first.key).is_none(), "the old key does not reach the new tenant");
}

//= mqtt-v5 MQTT-4.1.0-2 test
#[test]
fn a_session_ends_when_its_expiry_is_over() {
    let (all, mut sessions) = (Subscriptions::default(), Sessions::<()>::new(0));
    let opened = sessions.open("anna", true, ConnectionKey(1), &all).unwrap();
    subscribe(&all, &mut sessions, opened.key, "a");
    sessions.close(opened.key, AN_HOUR, Moment::START, &all);
    assert_eq!(
        sessions.expire(0..sessions.slots(), Moment::START.saturating_add(AN_HOUR / 2), &all).len(),
        0
    );
    assert_eq!(
        sessions.expire(0..sessions.slots(), Moment::START.saturating_add(AN_HOUR), &all).len(),
        1
    );
    assert!(sessions.is_empty() && all.is_empty());
}

//= mqtt-v5 MQTT-4.1.0-2 test
#[test]
fn a_client_that_comes_back_too_late_finds_no_session() {
    let (all, mut sessions) = (Subscriptions::default(), Sessions::<()>::new(0));
    let opened = sessions.open("anna", true, ConnectionKey(1), &all).unwrap();
    subscribe(&all, &mut sessions, opened.key, "a");
    sessions.end_if_over("anna", Moment::START.saturating_add(2 * AN_HOUR), &all);
    assert_eq!(sessions.len(), 1, "it is connected");
    sessions.close(opened.key, AN_HOUR, Moment::START, &all);
    sessions.end_if_over("anna", Moment::START.saturating_add(AN_HOUR / 2), &all);
    assert_eq!(sessions.len(), 1);
    sessions.end_if_over("anna", Moment::START.saturating_add(AN_HOUR), &all);
    assert!(sessions.is_empty() && all.is_empty());
}

#[test]
fn clients_spread_over_the_shards() {
    let mut counts = [0_u32; 4];
    for number in 0..4_000 {
        counts[usize::from(home_shard(&format!("client-{number}"), 4))] += 1;
    }
    assert!(counts.iter().all(|count| (800..1_200).contains(count)), "{counts:?}");
}

#[test]
fn only_a_session_whose_client_is_away_is_ended_by_name() {
    let (all, mut sessions) = (Subscriptions::default(), Sessions::<()>::new(0));
    let anna = sessions.open("anna", false, ConnectionKey(1), &all).unwrap();
    subscribe(&all, &mut sessions, anna.key, "$share/g/a/+/#");
    let filter = TopicFilter::parse("$share/g/a/+/#").unwrap();
    assert_eq!(all.qos_of(&filter, anna.key), Some(Qos::AtLeastOnce));
    let other = TopicFilter::parse("a/+/#").unwrap();
    assert_eq!(all.qos_of(&other, anna.key), None);
    let seen = |sessions: &Sessions<()>| sessions.within(0..sessions.slots()).count();
    assert_eq!((seen(&sessions), sessions.find("anna").unwrap().0), (1, anna.key));

    assert!(!sessions.end("anna", &all), "she is connected");
    sessions.close(anna.key, AN_HOUR, Moment::START, &all);
    assert!(sessions.end("anna", &all) && !sessions.end("anna", &all));
    assert_eq!((seen(&sessions), all.len()), (0, 0));
}

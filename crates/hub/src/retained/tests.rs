use model::{Qos, Timestamp, TopicName};

use super::*;

fn publication(topic: &str, payload: &str) -> Arc<Publication> {
    Arc::new(Publication {
        topic: TopicName::parse(topic).unwrap().to_buf(),
        payload: payload.as_bytes().into(),
        properties: Box::default(),
        qos: Qos::AtLeastOnce,
        retain: true,
        received_at: Timestamp::EPOCH,
    })
}

fn topics(store: &Retained, filter: &str) -> Vec<String> {
    let found = store.matching(&TopicFilter::parse(filter).unwrap(), None, usize::MAX);
    found.iter().map(|publication| publication.topic.as_str().to_owned()).collect()
}

#[test]
fn a_filter_finds_the_retained_topics_it_matches() {
    let store = Retained::default();
    for topic in ["farm", "farm/a", "farm/a/t", "farm/b", "farmer", "x", "$SYS/up"] {
        store.keep(publication(topic, "1")).unwrap();
    }
    assert_eq!(topics(&store, "farm/#"), ["farm", "farm/a", "farm/a/t", "farm/b"]);
    assert_eq!(topics(&store, "farm/+"), ["farm/a", "farm/b"]);
    assert_eq!(topics(&store, "+/a"), ["farm/a"]);
    assert_eq!(topics(&store, "farm/a"), ["farm/a"]);
    assert_eq!(topics(&store, "#").len(), 6);
}

//= mqtt-v5 MQTT-3.3.1-5, MQTT-3.3.1-6, MQTT-3.3.1-7 test
#[test]
fn the_last_one_counts_and_an_empty_one_clears() {
    let store = Retained::default();
    store.keep(publication("a", "old")).unwrap();
    store.keep(publication("a", "new")).unwrap();
    let found = store.matching(&TopicFilter::parse("a").unwrap(), None, usize::MAX);
    assert_eq!(found.iter().map(|kept| &*kept.payload).collect::<Vec<_>>(), [b"new"]);
    store.keep(publication("a", "")).unwrap();
    assert!(store.is_empty());
}

#[test]
fn what_is_over_is_forgotten_a_part_at_a_time() {
    let store = Retained::default();
    for topic in ["a", "b", "c", "d", "e"] {
        store.keep(publication(topic, if topic == "c" { "stays" } else { "ends" })).unwrap();
    }
    let before = store.store.read().unwrap().bytes;
    let ends = |publication: &Publication| *publication.payload == *b"ends";
    assert_eq!(store.sweep(2, ends), 2);
    assert_eq!(topics(&store, "#"), ["c", "d", "e"]);
    assert_eq!((store.sweep(2, ends), store.sweep(2, ends), store.sweep(2, ends)), (1, 1, 0));
    assert_eq!(topics(&store, "#"), ["c"]);
    store.keep(publication("a", "ends")).unwrap();
    assert_eq!(store.sweep(2, ends) + store.sweep(2, ends), 1, "each round begins again");
    assert!(store.store.read().unwrap().bytes < before / 4);
}

#[test]
fn those_of_a_filter_come_a_part_at_a_time() {
    let store = Retained::default();
    for topic in ["a", "a/1", "a/2", "a/2/x", "a/3", "b"] {
        store.keep(publication(topic, "1")).unwrap();
    }
    let (filter, mut after) = (TopicFilter::parse("a/+").unwrap(), None);
    let mut next = || {
        let found = store.matching(&filter, after.as_ref(), 2);
        after = found.last().map(|publication| publication.topic.clone());
        found.iter().map(|publication| publication.topic.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (next(), next()),
        (vec!["a/1".to_owned(), "a/2".to_owned()], vec!["a/3".to_owned()])
    );
}

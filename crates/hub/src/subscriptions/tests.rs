use model::TopicBuf;
use proptest::prelude::*;

use super::*;
use crate::Routes;

fn session(slot: u32) -> SessionKey {
    SessionKey { shard: 0, slot, generation: 1 }
}

fn grant(slot: u32, qos: Qos) -> Grant {
    Grant {
        session: session(slot),
        qos,
        no_local: false,
        retain_as_published: false,
        identifier: Some(slot),
    }
}

fn filter(text: &str) -> TopicFilter {
    TopicFilter::parse(text).unwrap()
}

fn topic(text: &str) -> TopicBuf {
    TopicName::parse(text).unwrap().to_buf()
}

#[track_caller]
fn hears(all: &Subscriptions, text: &str) -> Vec<u32> {
    let (matches, _) = all.matches(topic(text).as_name());
    let mut slots: Vec<u32> = matches.routes.iter().map(|route| route.session.slot).collect();
    slots.sort_unstable();
    slots
}

#[test]
fn a_topic_finds_exact_plus_and_hash_filters() {
    let all = Subscriptions::default();
    for (slot, text) in ["a/b", "a/+", "a/#", "#", "+/b", "a/b/c", "a"].iter().enumerate() {
        let slot = u32::try_from(slot).unwrap();
        all.subscribe(&filter(text), grant(slot, Qos::AtMostOnce)).unwrap();
    }
    assert_eq!(hears(&all, "a/b"), [0, 1, 2, 3, 4]);
    assert_eq!(hears(&all, "a"), [2, 3, 6]);
    assert_eq!(hears(&all, "x/y/z"), [3]);
}

//= mqtt-v5 MQTT-3.3.4-2, MQTT-3.3.4-4 test
//= mqtt-v311 MQTT-3.3.5-1 test
#[test]
fn overlapping_filters_of_a_session_give_one_copy_at_the_highest_qos() {
    let all = Subscriptions::default();
    all.subscribe(&filter("a/#"), grant(7, Qos::AtMostOnce)).unwrap();
    all.subscribe(&filter("a/b"), grant(7, Qos::ExactlyOnce)).unwrap();
    let (matches, _) = all.matches(topic("a/b").as_name());
    let [route] = &matches.routes[..] else { panic!("{matches:?}") };
    assert_eq!((route.qos, route.identifiers.len()), (Qos::ExactlyOnce, 2));
}

//= mqtt-v5 MQTT-3.8.3-3 test
#[test]
fn what_a_client_hears_of_itself_comes_from_the_filters_that_let_it() {
    let quiet = Grant { no_local: true, ..grant(7, Qos::ExactlyOnce) };
    let loud = Grant { identifier: Some(9), ..grant(7, Qos::AtLeastOnce) };
    for (first, second) in [(&quiet, &loud), (&loud, &quiet)] {
        let all = Subscriptions::default();
        all.subscribe(&filter("a/#"), first.clone()).unwrap();
        all.subscribe(&filter("a/b"), second.clone()).unwrap();
        let (matches, _) = all.matches(topic("a/b").as_name());
        let [route] = &matches.routes[..] else { panic!("{matches:?}") };
        let own = route.hears(true).unwrap();
        assert_eq!((own.qos, &own.identifiers[..]), (Qos::AtLeastOnce, &[9][..]));
        let others = route.hears(false).unwrap();
        assert_eq!((others.qos, others.identifiers.len()), (Qos::ExactlyOnce, 2));
    }
    let all = Subscriptions::default();
    all.subscribe(&filter("a"), quiet).unwrap();
    assert!(all.matches(topic("a").as_name()).0.routes[0].hears(true).is_none());
}

//= mqtt-v5 MQTT-3.8.4-3, MQTT-3.10.4-1 test
//= mqtt-v311 MQTT-3.8.4-3, MQTT-3.10.4-1 test
#[test]
fn a_second_subscribe_replaces_and_an_unsubscribe_leaves_nothing() {
    let all = Subscriptions::default();
    assert_eq!(all.subscribe(&filter("a/+/c"), grant(1, Qos::AtMostOnce)), Ok(false));
    assert_eq!(all.subscribe(&filter("a/+/c"), grant(1, Qos::AtLeastOnce)), Ok(true));
    assert_eq!(all.len(), 1);
    assert!(all.unsubscribe(&filter("a/+/c"), session(1)));
    assert!(!all.unsubscribe(&filter("a/+/c"), session(1)));
    assert!(all.is_empty() && all.read().root.is_empty(), "no empty nodes stay behind");
}

#[test]
fn each_shared_group_is_one_receiver() {
    let all = Subscriptions::default();
    for (slot, text) in
        ["$share/g/a/+", "$share/g/a/+", "$share/h/a/b", "$share/g/a/b"].iter().enumerate()
    {
        let slot = u32::try_from(slot).unwrap();
        all.subscribe(&filter(text), grant(slot, Qos::AtLeastOnce)).unwrap();
    }
    let (matches, _) = all.matches(topic("a/b").as_name());
    let mut sizes: Vec<usize> = matches.groups.iter().map(Vec::len).collect();
    sizes.sort_unstable();
    assert_eq!((matches.routes.len(), sizes), (0, vec![1, 1, 2]));
}

fn any_level() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("a"), Just("b"), Just(""), Just("$s")]
}

fn any_filter() -> impl Strategy<Value = String> {
    let level = prop_oneof![3 => any_level().boxed(), 1 => Just("+").boxed()];
    (proptest::collection::vec(level, 1..4), any::<bool>()).prop_map(|(mut levels, hash)| {
        levels.extend(hash.then_some("#"));
        levels.join("/")
    })
}

proptest! {
    /// The tree and the caches against the rule itself, through subscribes and unsubscribes.
    #[test]
    fn the_tree_agrees_with_the_rule(
        steps in proptest::collection::vec((any_filter(), 0_u32..4, any::<bool>()), 1..40),
        topics in proptest::collection::vec(
            proptest::collection::vec(any_level(), 1..4).prop_map(|levels| levels.join("/")), 1..6),
    ) {
        let all = Arc::new(Subscriptions::default());
        let mut routes = Routes::new(Arc::clone(&all));
        let mut model: Vec<(TopicFilter, u32)> = Vec::new();
        for (text, slot, add) in steps {
            let Ok(filter) = TopicFilter::parse(&text) else { continue };
            model.retain(|known| *known != (filter.clone(), slot));
            if add {
                all.subscribe(&filter, grant(slot, Qos::AtLeastOnce)).unwrap();
                model.push((filter, slot));
            } else {
                all.unsubscribe(&filter, session(slot));
            }
            prop_assert_eq!(all.len(), model.len());
            for text in topics.iter().filter(|text| !text.is_empty()) {
                let topic = TopicName::parse(text).unwrap();
                let mut wanted: Vec<u32> = model.iter()
                    .filter(|(filter, _)| filter.matches(topic)).map(|(_, slot)| *slot).collect();
                wanted.sort_unstable();
                wanted.dedup();
                let mut found: Vec<u32> =
                    routes.of(topic).routes.iter().map(|route| route.session.slot).collect();
                found.sort_unstable();
                prop_assert_eq!(found, wanted, "{}", text);
            }
        }
    }
}

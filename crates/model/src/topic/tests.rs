use super::*;

#[track_caller]
fn matches(filter: &str, topic: &str) -> bool {
    TopicFilter::parse(filter).unwrap().matches(TopicName::parse(topic).unwrap())
}

#[test]
fn a_hash_matches_its_parent_and_everything_below() {
    assert!(matches("sport/#", "sport"));
    assert!(matches("sport/#", "sport/tennis/player1"));
    assert!(matches("#", "sport/tennis"));
    assert!(!matches("sport/#", "sports"));
}

#[test]
fn a_plus_matches_one_level_only() {
    assert!(matches("farm/+/temp", "farm/barn/temp"));
    assert!(!matches("farm/+/temp", "farm/barn/roof/temp"));
    assert!(matches("+", "farm"));
    assert!(!matches("+", "/farm"));
    assert!(matches("/+", "/farm"));
    assert!(matches("+/+", "/farm"));
    assert!(matches("farm/+", "farm/"));
}

//= mqtt-v5 MQTT-4.7.2-1 test
#[test]
fn wildcards_do_not_reach_reserved_topics() {
    assert!(!matches("#", "$SYS/uptime"));
    assert!(!matches("+/uptime", "$SYS/uptime"));
    assert!(matches("$SYS/#", "$SYS/uptime"));
}

//= mqtt-v5 MQTT-4.7.0-1, MQTT-4.7.3-1, MQTT-4.7.3-2, MQTT-4.7.3-3 test
//= mqtt-v311 MQTT-4.7.1-1, MQTT-4.7.3-1, MQTT-4.7.3-2, MQTT-4.7.3-3 test
#[test]
fn a_topic_name_holds_no_wildcard_no_nul_and_has_a_length() {
    assert_eq!(TopicName::parse("a/+"), Err(TopicFault::Forbidden { at: 2 }));
    assert_eq!(TopicName::parse("a\0"), Err(TopicFault::Forbidden { at: 1 }));
    assert_eq!(TopicName::parse(""), Err(TopicFault::Length { bytes: 0 }));
    let long = "a".repeat(TOPIC_BYTES_MAX + 1);
    assert_eq!(TopicName::parse(&long), Err(TopicFault::Length { bytes: TOPIC_BYTES_MAX + 1 }));
    let deep = "/".repeat(TOPIC_LEVELS_MAX);
    assert_eq!(TopicName::parse(&deep), Err(TopicFault::Levels));
}

//= mqtt-v5 MQTT-4.7.1-1, MQTT-4.7.1-2 test
//= mqtt-v311 MQTT-4.7.1-2, MQTT-4.7.1-3 test
#[test]
fn a_wildcard_fills_its_level() {
    assert_eq!(TopicFilter::parse("a/b+/c"), Err(TopicFault::Wildcard { at: 2 }));
    assert_eq!(TopicFilter::parse("a/#/c"), Err(TopicFault::Wildcard { at: 2 }));
    assert_eq!(TopicFilter::parse("#x"), Err(TopicFault::Wildcard { at: 0 }));
}

//= mqtt-v5 MQTT-4.8.2-1, MQTT-4.8.2-2 test
#[test]
fn a_shared_filter_names_its_group() {
    let filter = TopicFilter::parse("$share/workers/jobs/#").unwrap();
    assert_eq!((filter.group(), filter.as_str()), (Some("workers"), "jobs/#"));
    assert_eq!(filter.to_string(), "$share/workers/jobs/#");
    for broken in ["$share/", "$share/g", "$share//a", "$share/g+/a", "$share/g/"] {
        assert_eq!(TopicFilter::parse(broken), Err(TopicFault::Share), "{broken}");
    }
}

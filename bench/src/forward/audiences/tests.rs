use super::Audiences;

/// Who gets what of packets that are their topics.
fn deliver(audiences: &mut Audiences, topics: &[&str]) -> Vec<(usize, String)> {
    topics.iter().for_each(|topic| audiences.hear(topic.as_bytes(), topic.as_bytes()));
    let mut given = Vec::new();
    audiences.deliver(|member, bytes| {
        given.push((member, String::from_utf8(bytes.to_vec()).unwrap()));
    });
    given.sort();
    given
}

#[test]
fn a_name_is_heard_alone_and_a_wildcard_below_its_levels() {
    let mut audiences = Audiences::default();
    audiences.subscribe("b/0/7", 1);
    audiences.subscribe("b/0/#", 2);
    audiences.subscribe("b/1/#", 3);
    assert_eq!(
        deliver(&mut audiences, &["b/0/7", "b/0/8"]),
        [(1, "b/0/7".to_owned()), (2, "b/0/7b/0/8".to_owned())]
    );
    audiences.forget(2);
    assert_eq!(deliver(&mut audiences, &["b/0/8"]), []);
}

#[test]
fn a_shared_subscription_gives_each_message_to_one_member() {
    let mut audiences = Audiences::default();
    audiences.subscribe("$share/x/b/0/#", 1);
    audiences.subscribe("$share/x/b/0/#", 2);
    let given = deliver(&mut audiences, &["b/0/7", "b/0/8"]);
    assert_eq!(given.iter().map(|(member, _)| *member).collect::<Vec<_>>(), [1, 2]);
}
